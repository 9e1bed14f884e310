#include <algorithm>
#include <array>

#include "protocols/upnp/eventing.h"
#include "protocols/upnp/gena_message.h"
#include "tests/fuzz/check.h"
#include "tests/upnp/gena_requests.h"

// Any SUBSCRIBE or UNSUBSCRIBE: what is granted is within the limits, and what we send goes to the
// subscriber alone and is one request that says what we mean.
namespace {

using namespace postern;
using namespace postern::upnp;
using namespace postern::upnp::test;

const Property kProperty{"ConnectionStatus", "Connected"};

void check_callback(const CallbackUrl& callback, const Address& subscriber) {
  POSTERN_CHECK(callback.to.address == subscriber && callback.to.port != 0);
  POSTERN_CHECK(callback.path.starts_with('/'));
  POSTERN_CHECK(callback.path.size() <= kLongestCallbackPath + 1);
  const auto notify = http_request(emit_notify(callback, "uuid:1", 1, {&kProperty, 1}));
  POSTERN_CHECK(notify.method == "NOTIFY" && notify.target == callback.path);
  constexpr std::array<std::string_view, 8> kNames{
      "HOST", "CONTENT-TYPE", "CONTENT-LENGTH", "NT", "NTS", "SID", "SEQ", "CONNECTION"};
  POSTERN_CHECK(std::ranges::equal(notify.headers, kNames, {}, &HttpHeader::name));
  POSTERN_CHECK(notify.headers[2].value == std::to_string(notify.body.size()));
}

void check_granted(Seconds granted) {
  POSTERN_CHECK(granted >= kShortestSubscription && granted <= kLongestSubscription);
}

void check_parsed(const HttpRequest& request) {
  const auto parsed = parse_subscribe(request);
  if (!parsed) {
    POSTERN_CHECK(parsed.error().status == 400 || parsed.error().status == 412);
  } else if (const auto* wish = std::get_if<NewSubscription>(&*parsed)) {
    POSTERN_CHECK(!wish->callbacks.empty() && wish->callbacks.size() <= kMostCallbacks);
    for (const auto& callback : wish->callbacks) check_callback(callback, request.client.address);
    check_granted(wish->granted);
  } else {
    check_granted(std::get<Renewal>(*parsed).granted);
  }
  (void)parse_unsubscribe(request);
}

/// Subscribes, if that is what it does, and lets every message fail until nothing is left to send.
void check_life(HttpRequest request) {
  Eventing eventing([] { return Uuid{}; },
                    [](std::uint32_t, const Address&, const Address&) { return false; });
  Moment now = postern::test::kStart;
  request.method = "SUBSCRIBE";
  const auto reply = eventing.on_request(request, events_of(), now);
  POSTERN_CHECK((reply.status == 200) == (eventing.size() == 1));
  for (int sent = 0; const auto next = eventing.next_timeout();) {
    now = std::max(now, *next);
    for (const auto& callout : eventing.due([](View, VariableId) { return Value("x"); }, now)) {
      POSTERN_CHECK(callout.to.address == request.client.address);
      POSTERN_CHECK(++sent <= 9);
      eventing.on_done(callout.id, CalloutOutcome::unreachable, now);
    }
  }
  POSTERN_CHECK(eventing.size() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto request = http_request(std::string(data, data + size));
  for (const auto& client : {Address::v4({192, 168, 77, 2}), postern::test::kHostALinkLocal}) {
    request.client = {client, 50000};
    check_parsed(request);
    check_life(request);
  }
  return 0;
}
