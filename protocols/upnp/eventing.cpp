#include "protocols/upnp/eventing.h"

#include <algorithm>

#include "core/text.h"
#include "protocols/upnp/gena_message.h"

namespace postern::upnp {
namespace {

[[nodiscard]] HttpReply reply_with(int status) {
  HttpReply reply;
  reply.status = status;
  return reply;
}

[[nodiscard]] HttpReply confirm(const std::string& sid, Seconds granted) {
  auto reply = reply_with(200);
  // Both always: a renewal without SID breaks subscribers.
  reply.headers = {{"SID", sid}, {"TIMEOUT", "Second-" + std::to_string(granted.count())}};
  return reply;
}

/// A UUID of version 4 (RFC 9562 §5.4).
[[nodiscard]] std::string make_sid(Uuid random) {
  random[6] = static_cast<std::uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<std::uint8_t>((random[8] & 0x3f) | 0x80);
  return to_string(random);
}

[[nodiscard]] std::size_t bit_of(const StateVariable& variable) {
  return static_cast<std::size_t>(*variable.id);
}

}  // namespace

HttpReply Eventing::on_request(const HttpRequest& request, const Resource& resource, Moment now) {
  expire(now);
  const Topic topic{resource.view, *resource.service};
  return request.method == "SUBSCRIBE" ? subscribe(request, topic, now)
                                       : unsubscribe(request, topic);
}

HttpReply Eventing::subscribe(const HttpRequest& request, const Topic& topic, Moment now) {
  const auto parsed = parse_subscribe(request);
  if (!parsed) return reply_with(parsed.error().status);
  if (const auto* wish = std::get_if<NewSubscription>(&*parsed)) {
    return add(*wish, request, topic, now);
  }
  const auto& renewal = std::get<Renewal>(*parsed);
  auto* subscription = find(renewal.sid, topic, request.client.address);
  if (!subscription) return reply_with(412);
  subscription->ends = now + renewal.granted;
  return confirm(subscription->sid, renewal.granted);
}

HttpReply Eventing::unsubscribe(const HttpRequest& request, const Topic& topic) {
  const auto sid = parse_unsubscribe(request);
  if (!sid) return reply_with(sid.error().status);
  auto* subscription = find(*sid, topic, request.client.address);
  if (!subscription) return reply_with(412);
  end(*subscription);
  erase_finished();
  return reply_with(200);
}

HttpReply Eventing::add(const NewSubscription& wish, const HttpRequest& request, const Topic& topic,
                        Moment now) {
  if (!has_room(request.interface_index, request.client.address)) return reply_with(503);
  Variables all;
  for (const auto& observed : watched(topic).variables) all.set(bit_of(*observed.variable));
  const auto sid = make_sid(new_uuid_());
  subscriptions_.push_back({sid, topic, request.interface_index, request.client.address,
                            request.server.address, wish.callbacks, now + wish.granted,
                            Delivery(all, wish.callbacks.size(), now + kFirstPause)});
  return confirm(sid, wish.granted);
}

Eventing::Subscription* Eventing::find(const std::string& sid, const Topic& topic,
                                       const Address& subscriber) {
  const auto found = std::ranges::find_if(subscriptions_, [&](const Subscription& candidate) {
    return !candidate.is_over && candidate.topic == topic && candidate.subscriber == subscriber &&
           equals_ignoring_case(candidate.sid, sid);
  });
  return found == subscriptions_.end() ? nullptr : &*found;
}

bool Eventing::has_room(std::uint32_t interface_index, const Address& subscriber) const {
  if (subscriptions_.size() < kMostOfOneHost) return true;
  // A host may have as many IPv6 addresses as it likes, but has one hardware address.
  const auto of_host = std::ranges::count_if(subscriptions_, [&](const Subscription& other) {
    return other.subscriber == subscriber ||
           (other.interface_index == interface_index &&
            are_one_host_(interface_index, other.subscriber, subscriber));
  });
  return subscriptions_.size() < kMostSubscriptions &&
         static_cast<std::size_t>(of_host) < kMostOfOneHost;
}

void Eventing::end(Subscription& subscription) {
  subscription.is_over = true;
  subscription.delivery.stop();
}

void Eventing::expire(Moment now) {
  for (auto& subscription : subscriptions_) {
    if (!subscription.is_over && subscription.ends <= now) end(subscription);
  }
  erase_finished();
}

void Eventing::on_lan_changed(const Network& network) {
  for (auto& subscription : subscriptions_) {
    const auto* lan = network.lan_by_index(subscription.interface_index);
    if (!lan || !lan->has(subscription.server)) end(subscription);
  }
  erase_finished();
}

void Eventing::erase_finished() {
  std::erase_if(subscriptions_, [](const Subscription& subscription) {
    return subscription.delivery.is_finished();
  });
  std::erase_if(watched_, [&](const Watched& watched) {
    return std::ranges::find(subscriptions_, watched.topic, &Subscription::topic) ==
           subscriptions_.end();
  });
}

Eventing::Watched& Eventing::watched(const Topic& topic) {
  const auto found = std::ranges::find(watched_, topic, &Watched::topic);
  if (found != watched_.end()) return *found;
  auto& added = watched_.emplace_back(Watched{topic, {}});
  const auto& of = service(topic.service);
  for (const auto& variable : of.variables) {
    if (variable.is_evented && variable.since <= of.version_in(topic.view)) {
      added.variables.push_back({&variable});
    }
  }
  return added;
}

void Eventing::look(const ReadValue& read) {
  for (auto& watched : watched_) {
    Variables changed;
    for (auto& observed : watched.variables) {
      auto value = read(watched.topic.view, *observed.variable->id);
      if (observed.value == value) continue;
      observed.value = std::move(value);
      changed.set(bit_of(*observed.variable));
    }
    if (changed.none()) continue;
    for (auto& subscription : subscriptions_) {
      if (subscription.topic == watched.topic) subscription.delivery.note_changed(changed);
    }
  }
  may_have_changed_ = false;
}

std::vector<HttpCallout> Eventing::due(const ReadValue& read, Moment now) {
  expire(now);
  look(read);
  std::vector<HttpCallout> callouts;
  for (auto& subscription : subscriptions_) {
    const auto attempt_at = subscription.delivery.next_attempt();
    if (attempt_at && *attempt_at <= now) callouts.push_back(callout(subscription, now));
  }
  return callouts;
}

HttpCallout Eventing::callout(Subscription& subscription, Moment now) {
  const auto attempt = subscription.delivery.begin(now);
  std::vector<Property> properties;
  for (const auto& observed : watched(subscription.topic).variables) {
    if (attempt.variables.test(bit_of(*observed.variable))) {
      properties.push_back({observed.variable->name, to_string(*observed.value)});
    }
  }
  const auto& callback = subscription.callbacks[attempt.url];
  subscription.callout = ++last_callout_;
  HttpCallout callout;
  callout.id = subscription.callout;
  callout.interface_index = subscription.interface_index;
  callout.from = {subscription.server, 0};
  callout.to = callback.to;
  callout.request_octets = emit_notify(callback, subscription.sid, attempt.seq, properties);
  return callout;
}

void Eventing::on_done(std::uint64_t id, CalloutOutcome outcome, Moment now) {
  const auto found = std::ranges::find_if(subscriptions_, [&](const Subscription& candidate) {
    return candidate.callout == id && candidate.delivery.is_under_way();
  });
  if (found == subscriptions_.end()) return;
  found->delivery.on_done(outcome, now);
  if (found->delivery.is_unreachable()) end(*found);
  erase_finished();
}

std::optional<Moment> Eventing::next_timeout() const {
  if (may_have_changed_) return Moment{};
  std::optional<Moment> next;
  const auto at = [&](Moment moment) { next = std::min(next.value_or(moment), moment); };
  for (const auto& subscription : subscriptions_) {
    if (!subscription.is_over) at(subscription.ends);
    if (const auto attempt = subscription.delivery.next_attempt()) at(*attempt);
  }
  return next;
}

}  // namespace postern::upnp
