#include "protocols/upnp/soap_envelope.h"

#include <algorithm>

#include <pugixml.hpp>

#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

/// References are left to xml_unescaped(): the library would make a NUL of "&#0;" and its text,
/// which ends at the first NUL, would lose what follows. The document type is kept to be refused.
constexpr unsigned kParseOptions = pugi::parse_cdata | pugi::parse_doctype;

[[nodiscard]] string_view local_name(string_view name) {
  const auto colon = name.rfind(':');
  return colon == string_view::npos ? name : name.substr(colon + 1);
}

[[nodiscard]] pugi::xml_node find_child(const pugi::xml_node& parent, string_view name) {
  return parent.find_child([&](const pugi::xml_node& child) {
    return child.type() == pugi::node_element && local_name(child.name()) == name;
  });
}

[[nodiscard]] pugi::xml_node first_element(const pugi::xml_node& parent) {
  return parent.find_child(
      [](const pugi::xml_node& child) { return child.type() == pugi::node_element; });
}

/// What the nearest declaration of the element's prefix says. The way up is at most kMostMarkup.
[[nodiscard]] std::string namespace_of(pugi::xml_node element) {
  const string_view name = element.name();
  const auto colon = name.rfind(':');
  const auto declaration =
      colon == string_view::npos ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
  for (; element; element = element.parent()) {
    if (const auto found = element.attribute(declaration.c_str())) {
      return std::string(trimmed(found.value()));
    }
  }
  return {};
}

/// Nothing when a reference is wrong, which makes the whole message no XML.
[[nodiscard]] std::optional<SoapArgument> read_argument(const pugi::xml_node& element) {
  SoapArgument argument{std::string(local_name(element.name())), std::string()};
  for (const auto& child : element.children()) {
    if (child.type() == pugi::node_element) {
      argument.text.reset();
      return argument;
    }
    if (child.type() == pugi::node_cdata) {
      *argument.text += child.value();
    } else if (child.type() == pugi::node_pcdata) {
      const auto text = xml_unescaped(child.value());
      if (!text) return std::nullopt;
      *argument.text += *text;
    }
  }
  return argument;
}

[[nodiscard]] bool load(pugi::xml_document& document, string_view xml) {
  return static_cast<bool>(
      document.load_buffer(xml.data(), xml.size(), kParseOptions, pugi::encoding_utf8));
}

/// Again with the end tags that a client forgot. They close nothing else: where the action's
/// element is open, too, they do not match.
[[nodiscard]] bool load_unclosed(pugi::xml_document& document, string_view xml) {
  const pugi::xml_node envelope = document.document_element();
  const std::string envelope_end = "</" + std::string(envelope.name()) + ">";
  const std::string body_end = "</" + std::string(find_child(envelope, "Body").name()) + ">";
  const std::string text(xml);
  return load(document, text + envelope_end) || load(document, text + body_end + envelope_end);
}

[[nodiscard]] bool has_document_type(const pugi::xml_document& document) {
  const auto children = document.children();
  return std::any_of(children.begin(), children.end(), [](const pugi::xml_node& child) {
    return child.type() == pugi::node_doctype;
  });
}

}  // namespace

std::optional<SoapMessage> read_envelope(string_view xml) {
  if (xml.size() > kLongestSoapBody || xml.find('\0') != string_view::npos) return std::nullopt;
  if (std::count(xml.begin(), xml.end(), '<') > std::ptrdiff_t{kMostMarkup}) return std::nullopt;
  pugi::xml_document document;
  if (!load(document, xml) && !load_unclosed(document, xml)) return std::nullopt;
  const auto envelope = document.document_element();
  if (has_document_type(document) || local_name(envelope.name()) != "Envelope") {
    return std::nullopt;
  }
  const auto action = first_element(find_child(envelope, "Body"));
  if (!action) return std::nullopt;
  SoapMessage message{std::string(local_name(action.name())), namespace_of(action), {}};
  for (const auto& child : action.children()) {
    if (child.type() != pugi::node_element) continue;
    auto argument = read_argument(child);
    if (!argument) return std::nullopt;
    message.arguments.push_back(std::move(*argument));
  }
  return message;
}

}  // namespace postern::upnp
