#include <algorithm>

#include "protocols/upnp/soap.h"
#include "protocols/upnp/soap_envelope.h"
#include "protocols/upnp/text.h"
#include "tests/fuzz/check.h"
#include "tests/upnp/requests.h"

// Any POST to any control URL: what is understood is what the table allows, and a reply with the
// client's own text in it says exactly that text.
namespace {

using namespace postern::upnp;
using namespace postern::upnp::test;

/// As read_value() promises.
void check_argument(const Value& value, const StateVariable& variable) {
  POSTERN_CHECK(has_type(value, variable.type));
  if (const auto* text = std::get_if<std::string>(&value)) {
    POSTERN_CHECK(text->size() <= kLongestText && sanitized(*text) == *text);
    POSTERN_CHECK(variable.allowed.empty() ||
                  std::count(variable.allowed.begin(), variable.allowed.end(), *text) == 1);
  }
}

/// A value for an OUT argument: what the client sent where the type fits.
[[nodiscard]] Value some_value(const ActionCall& call, DataType type) {
  for (const auto& value : call.arguments) {
    if (has_type(value, type)) return value;
  }
  if (type == DataType::string) return Value("x");
  return type == DataType::boolean ? Value(true) : Value(1U);
}

void check_reply(const ActionCall& call) {
  const auto& of = service(call.service);
  std::vector<Value> values;
  for (const auto& argument : call.action->arguments) {
    if (argument.direction == Direction::out) {
      values.push_back(some_value(call, of.variable_of(argument).type));
    }
  }
  const auto message = read_envelope(emit_reply(call, values));
  POSTERN_CHECK(message && message->action == std::string(call.action->name) + "Response");
  POSTERN_CHECK(message->name_space == to_string(call.called_as));
  POSTERN_CHECK(message->arguments.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto text = to_string(values[i]);
    // A reader may drop text that is nothing but blanks.
    POSTERN_CHECK(message->arguments[i].text == text || trimmed(text).empty());
  }
}

void check_call(const ActionCall& call) {
  const auto& of = service(call.service);
  POSTERN_CHECK(call.action && of.version_in(call.view) != 0);
  std::size_t next = 0;
  for (const auto& argument : call.action->arguments) {
    if (argument.direction == Direction::out) continue;
    POSTERN_CHECK(next < call.arguments.size());
    check_argument(call.arguments[next++], of.variable_of(argument));
  }
  POSTERN_CHECK(next == call.arguments.size());
  check_reply(call);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Identity kIdentity = sample_identity();
  const auto request = split_request(std::string(data, data + size));
  const auto target = target_here(request.target);
  const auto control = parse_control(kIdentity, {target, request.soap_action, request.body});
  if (const auto* call = std::get_if<ActionCall>(&control)) check_call(*call);
  return 0;
}
