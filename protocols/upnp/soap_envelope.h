#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The only file that knows the XML library.
namespace postern::upnp {

/// In octets (HTTP-08).
inline constexpr std::size_t kLongestSoapBody = 16384;
/// How many "<" a message may have. It bounds elements and their depth before any memory is taken.
inline constexpr std::size_t kMostMarkup = 512;

struct SoapArgument {
  /// Without namespace prefix.
  std::string name;
  /// References replaced, not trimmed. Nothing when the element holds other elements.
  std::optional<std::string> text;
};

struct SoapMessage {
  /// The name of the body's first element, without prefix.
  std::string action;
  /// Its namespace; empty when there is none or its prefix was never declared.
  std::string name_space;
  /// In the order of the message.
  std::vector<SoapArgument> arguments;
};

/// Reads requests and replies alike. Elements are found by local name and namespaces of the
/// envelope do not matter (SOAP-05, SOAP-13). End tags of the envelope and its body may be missing
/// at the end. Nothing for a message that is too large, has a NUL or a document type, or is
/// no envelope.
[[nodiscard]] std::optional<SoapMessage> read_envelope(std::string_view xml);

}  // namespace postern::upnp
