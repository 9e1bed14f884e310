#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "protocols/upnp/eventing.h"
#include "tests/upnp/action_house.h"
#include "tests/upnp/gena_requests.h"

namespace postern::upnp::test {

using namespace postern::test;

using Properties = std::map<std::string, std::string>;

/// A NOTIFY as its receiver reads it. Anything that is none throws.
struct Notify {
  HttpCallout callout;
  HttpRequest request;
  Properties properties;

  explicit Notify(HttpCallout sent)
      : callout(std::move(sent)), request(http_request(callout.request_octets)) {
    if (request.method != "NOTIFY") throw std::invalid_argument(callout.request_octets);
    pugi::xml_document document;
    if (!document.load_string(request.body.c_str())) throw std::invalid_argument(request.body);
    for (const auto& property : document.child("e:propertyset").children("e:property")) {
      const auto variable = property.first_child();
      properties[variable.name()] = variable.text().get();
    }
  }
  [[nodiscard]] std::string header(std::string_view name) const {
    return std::string(request.find(name).value_or("(none)"));
  }
  [[nodiscard]] std::string sid() const { return header("SID"); }
  [[nodiscard]] std::string seq() const { return header("SEQ"); }
};

/// An event source whose values the test sets, and its subscribers.
class EventingTest : public testing::Test {
 protected:
  /// Different for each subscription.
  Eventing::NewUuid uuids() {
    return [this] {
      Uuid uuid{};
      uuid[15] = ++last_uuid_;
      return uuid;
    };
  }

  HttpReply subscribe(const Address& client = kHostA, const Resource& resource = events_of(),
                      Headers more = {}) {
    more.push_back({"CALLBACK", callback_at(client)});
    more.push_back({"NT", "upnp:event"});
    auto reply = ask(client, "SUBSCRIBE", std::move(more), resource);
    // The first event is due.
    now_ += Eventing::kFirstPause;
    return reply;
  }
  /// Subscribes and throws when that fails; the SID.
  std::string subscribed(const Address& client = kHostA, const Resource& resource = events_of()) {
    const auto reply = subscribe(client, resource);
    if (reply.status != 200) throw std::runtime_error(std::to_string(reply.status));
    return header_of(reply, "SID");
  }
  HttpReply renew(const std::string& sid, const Resource& resource = events_of()) {
    return ask(kHostA, "SUBSCRIBE", {{"SID", sid}}, resource);
  }
  HttpReply unsubscribe(const std::string& sid, const Resource& resource = events_of()) {
    return ask(kHostA, "UNSUBSCRIBE", {{"SID", sid}}, resource);
  }
  HttpReply ask(const Address& client, std::string_view method, Headers headers,
                const Resource& resource = events_of()) {
    return eventing_.on_request(gena_request(client, method, std::move(headers), resource),
                                resource, now_);
  }

  /// What leaves now.
  std::vector<Notify> due() {
    std::vector<Notify> all;
    const auto read = [&](View view, VariableId variable) {
      ++reads_;
      return values_[{view, variable}];
    };
    for (auto& callout : eventing_.due(read, now_)) all.emplace_back(std::move(callout));
    return all;
  }
  /// What leaves now, each answered at once.
  std::vector<Notify> deliver() {
    auto all = due();
    for (const auto& notify : all) done(notify, CalloutOutcome::answered);
    return all;
  }
  void done(const Notify& notify, CalloutOutcome outcome) {
    eventing_.on_done(notify.callout.id, outcome, now_);
  }
  /// Lets time pass, runs every deadline at its moment, and answers each message at once.
  std::vector<Notify> pass(Milliseconds time) {
    std::vector<Notify> all;
    const auto end = now_ + time;
    for (auto next = eventing_.next_timeout(); next && *next <= end;
         next = eventing_.next_timeout()) {
      now_ = std::max(now_, *next);
      for (auto& notify : deliver()) all.push_back(std::move(notify));
    }
    now_ = end;
    return all;
  }
  void set(VariableId variable, const Value& value, View view = View::igd2) {
    values_[{view, variable}] = value;
    eventing_.note_change();
  }

  Moment now_ = kStart;
  int reads_ = 0;
  std::map<std::pair<View, VariableId>, Value> values_;
  std::uint8_t last_uuid_ = 0;
  FakeNeighbours neighbours_;
  Eventing eventing_{
      uuids(), [this](std::uint32_t interface_index, const Address& left, const Address& right) {
        return neighbours_.are_one_host(interface_index, left, right);
      }};
};

}  // namespace postern::upnp::test
