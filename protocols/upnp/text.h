#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Text from clients and text in XML. Text is UTF-8; what comes from outside may be anything.
namespace postern::upnp {

/// In octets, of any text that a client gives us to keep.
inline constexpr std::size_t kLongestText = 256;

/// Without blanks, tabs and line ends at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Printable UTF-8 of at most `most` octets, no character cut in two: an octet that is not UTF-8
/// becomes "?", and what is invisible or steers a terminal or the direction of writing a blank.
[[nodiscard]] std::string sanitized(std::string_view text, std::size_t most = kLongestText);

/// Fit to stand between two tags or in an attribute; what XML 1.0 forbids becomes "?".
[[nodiscard]] std::string xml_escaped(std::string_view text);

/// With the five entities and the character references of XML replaced by what they mean. Any other
/// "&" stands for itself. Nothing when a reference names what XML 1.0 forbids, such as NUL.
[[nodiscard]] std::optional<std::string> xml_unescaped(std::string_view text);

/// Appends <name>text</name>. The text is escaped.
void append_element(std::string& xml, std::string_view name, std::string_view text);

/// Appends <name><![CDATA[document]]></name>. A document of ours never has "]]>", for ">" is
/// escaped in its texts.
void append_document(std::string& xml, std::string_view name, std::string_view document);

}  // namespace postern::upnp
