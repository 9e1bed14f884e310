#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/frontend.h"
#include "core/http.h"
#include "core/network.h"
#include "core/time.h"
#include "protocols/upnp/event_delivery.h"
#include "protocols/upnp/gena_request.h"
#include "protocols/upnp/identity.h"
#include "protocols/upnp/paths.h"
#include "protocols/upnp/soap_values.h"

namespace postern::upnp {

/// Who is told when state variables change (UPnP Device Architecture, eventing; GENA). It knows
/// which variables are evented, but not why they change: it compares what they are with what they
/// were. Costs nothing while nobody subscribes, otherwise O(n) a turn in the number of
/// subscriptions.
class Eventing {
 public:
  /// Whoever comes when there are so many gets 503 (GENA-14). One that ended counts as long as its
  /// last message is under way.
  static constexpr std::size_t kMostSubscriptions = 64;
  /// From the reply to the first event. GUPnP reads both at the same time, and throws away an event
  /// of which it does not know yet that it has subscribed to it.
  static constexpr Milliseconds kFirstPause{200};
  /// Of one host.
  static constexpr std::size_t kMostOfOneHost = 8;

  /// 128 random bits that nobody can predict, for each subscription others.
  using NewUuid = std::function<Uuid()>;
  using ReadValue = std::function<Value(View, VariableId)>;

  /// See NeighbourTable::are_one_host(). It is asked up to kMostSubscriptions times a SUBSCRIBE.
  using AreOneHost =
      std::function<bool(std::uint32_t interface_index, const Address&, const Address&)>;

  Eventing(NewUuid new_uuid, AreOneHost are_one_host)
      : new_uuid_(std::move(new_uuid)), are_one_host_(std::move(are_one_host)) {}

  /// Answers a SUBSCRIBE or UNSUBSCRIBE to an event URL. What it did stands. The reply's token is
  /// left to the caller.
  [[nodiscard]] HttpReply on_request(const HttpRequest& request, const Resource& resource,
                                     Moment now);
  /// Some variables may have other values than at the last due().
  void note_change() { may_have_changed_ = !subscriptions_.empty(); }
  /// Ends the subscriptions made on addresses that are gone (GENA-16).
  void on_lan_changed(const Network& network);

  /// The messages that are due now. Reads all variables that somebody subscribed to.
  [[nodiscard]] std::vector<HttpCallout> due(const ReadValue& read, Moment now);
  /// How one of them ended. Does nothing for another id.
  void on_done(std::uint64_t id, CalloutOutcome outcome, Moment now);
  /// When to call due() next; a moment in the past: at once.
  [[nodiscard]] std::optional<Moment> next_timeout() const;

  [[nodiscard]] std::size_t size() const { return subscriptions_.size(); }

 private:
  /// A service in a view.
  struct Topic {
    View view = View::igd1;
    ServiceId service = ServiceId::wan_ip_connection;

    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct Observed {
    const StateVariable* variable = nullptr;
    /// As it was at the last look; nothing before the first.
    std::optional<Value> value{};
  };
  /// The evented variables of a topic that somebody subscribed to.
  struct Watched {
    Topic topic;
    std::vector<Observed> variables;
  };
  struct Subscription {
    std::string sid;
    Topic topic;
    std::uint32_t interface_index = 0;
    Address subscriber;
    /// Ours, that he asked.
    Address server;
    std::vector<CallbackUrl> callbacks;
    Moment ends;
    Delivery delivery;
    /// Ended, and only there until its delivery is finished.
    bool is_over = false;
    /// Of the last callout.
    std::uint64_t callout = 0;
  };

  [[nodiscard]] HttpReply subscribe(const HttpRequest& request, const Topic& topic, Moment now);
  [[nodiscard]] HttpReply unsubscribe(const HttpRequest& request, const Topic& topic);
  [[nodiscard]] HttpReply add(const NewSubscription& wish, const HttpRequest& request,
                              const Topic& topic, Moment now);
  /// Null when there is none, or no longer. A SID belongs to the URL that it was made on (GENA-06),
  /// and to the host that made it.
  [[nodiscard]] Subscription* find(const std::string& sid, const Topic& topic,
                                   const Address& subscriber);
  [[nodiscard]] bool has_room(std::uint32_t interface_index, const Address& subscriber) const;
  static void end(Subscription& subscription);
  void expire(Moment now);
  void erase_finished();
  [[nodiscard]] Watched& watched(const Topic& topic);
  /// Tells the subscriptions of what has changed since the last look.
  void look(const ReadValue& read);
  [[nodiscard]] HttpCallout callout(Subscription& subscription, Moment now);

  NewUuid new_uuid_;
  AreOneHost are_one_host_;
  std::vector<Subscription> subscriptions_;
  std::vector<Watched> watched_;
  bool may_have_changed_ = false;
  std::uint64_t last_callout_ = 0;
};

}  // namespace postern::upnp
