#include "tests/support/scenario.h"

#include <deque>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "tests/support/gateway_fixture.h"

namespace postern::test {
namespace {

/// What a line asks for and does not get.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[nodiscard]] std::uint64_t number(const std::string& text) {
  std::size_t used = 0;
  try {
    const auto value = std::stoull(text, &used);
    if (used == text.size()) return value;
  } catch (const std::exception&) {
  }
  throw Broken("not a number: " + text);
}

/// "250ms", "5s", "2m" or "1h".
[[nodiscard]] Milliseconds duration(const std::string& text) {
  const auto unit_at = text.find_first_not_of("0123456789");
  if (unit_at == std::string::npos) throw Broken("a time without a unit: " + text);
  const auto count = static_cast<std::int64_t>(number(text.substr(0, unit_at)));
  const auto unit = text.substr(unit_at);
  if (unit == "ms") return Milliseconds(count);
  if (unit == "s") return Seconds(count);
  if (unit == "m") return std::chrono::minutes(count);
  if (unit == "h") return std::chrono::hours(count);
  throw Broken("not a unit of time: " + text);
}

[[nodiscard]] Address address(const std::string& text) {
  const auto parsed = Address::parse(text);
  if (!parsed) throw Broken("not an address: " + text);
  return *parsed;
}

[[nodiscard]] Endpoint endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw Broken("not an address with a port: " + text);
  return {address(text.substr(0, colon)),
          static_cast<std::uint16_t>(number(text.substr(colon + 1)))};
}

[[nodiscard]] Protocol protocol(const std::string& text) {
  if (text == "udp") return Protocol::udp;
  if (text == "tcp") return Protocol::tcp;
  throw Broken("not a protocol: " + text);
}

/// Whether the octets are those of the pattern, in which ".." stands for any octet.
[[nodiscard]] bool matches(Bytes octets, const std::string& pattern) {
  std::string wanted;
  for (const char c : pattern) {
    if (c != ' ') wanted += c;
  }
  if (wanted.size() != 2 * octets.size()) return false;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto pair = wanted.substr(2 * i, 2);
    if (pair != ".." && from_hex(pair).front() != octets[i]) return false;
  }
  return true;
}

class Player {
 public:
  void play_line(const std::string& line) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) return;
    const auto action = actions_.find(word);
    if (action == actions_.end()) throw Broken("unknown word: " + word);
    if (word != "expect" && !answers_.empty())
      throw Broken("an answer that nobody expected: " + to_hex(answers_.front().payload));
    action->second(words);
    if (std::string rest; words >> rest) throw Broken("too many words: " + rest);
    if (house_ && !house_->is_consistent()) throw Broken("the gateway is not consistent");
  }

  void end() {
    if (collecting_) throw Broken("a turn without an end");
    if (!answers_.empty()) throw Broken("an answer that nobody expected");
    if (!house_) throw Broken("a story without a start");
  }

 private:
  using Words = std::istringstream;
  using Action = std::function<void(Words&)>;

  [[nodiscard]] static std::string next(Words& words) {
    std::string word;
    if (!(words >> word)) throw Broken("words are missing");
    return word;
  }
  [[nodiscard]] static std::string rest(Words& words) {
    std::string all;
    std::getline(words, all);
    words.clear(std::ios::eofbit);
    return all;
  }
  static void expect_word(Words& words, const std::string& wanted) {
    if (next(words) != wanted) throw Broken("the word is missing: " + wanted);
  }
  [[nodiscard]] House& house() {
    if (!house_) throw Broken("nothing has started yet");
    return *house_;
  }

  // --- What happens
  // -------------------------------------------------------------------------------

  void set_limit(Words& words) {
    const auto name = next(words);
    const auto value = next(words);
    if (name == "mappings_per_client") {
      limits_.mappings_per_client = static_cast<std::uint32_t>(number(value));
    } else if (name == "mappings") {
      limits_.mappings = static_cast<std::uint32_t>(number(value));
    } else if (name == "max_lifetime") {
      limits_.max_lifetime = std::chrono::duration_cast<Seconds>(duration(value));
    } else if (name == "external_ports") {
      rule_.external_ports = PortSet::parse(value).value();
    } else {
      throw Broken("unknown limit: " + name);
    }
  }

  void serve(Words& words) {
    if (house_) throw Broken("what is served is said before the start");
    const auto what = next(words);
    if (what == "pcp") {
      serves_ = Serves::pcp;
    } else if (what == "both") {
      serves_ = Serves::both;
    } else {
      throw Broken("nothing to serve: " + what);
    }
  }

  void start(Words&) {
    if (house_) throw Broken("started already");
    run_daemon(kStart);
  }

  void restart(Words& words) {
    StoredState stored;
    if (std::string how; words >> how) {
      if (how != "kept" && how != "rebooted") throw Broken("no way to restart: " + how);
      stored = kept();
      stored.is_same_boot = how == "kept";
      if (!stored.is_same_boot) firewall_->take_away();
    }
    run_daemon(house().now, stored);
  }

  /// What a store has that was closed in order.
  [[nodiscard]] StoredState kept() {
    StoredState stored;
    const auto& table = house().gateway.state().table;
    for (const Mapping* mapping : table.oldest(table.size())) stored.mappings.push_back(*mapping);
    stored.epochs = house().gateway.epoch_starts();
    stored.is_complete = true;
    return stored;
  }

  void run_daemon(Moment now, const StoredState& stored = {}) {
    house_ = std::make_unique<House>(firewall_, options(), now, serves_);
    sort_out(house_->start(home_network(wan_), stored));
  }

  [[nodiscard]] GatewayOptions options() const {
    GatewayOptions options;
    options.policy = Policy({rule_}, limits_);
    options.static_mappings = static_;
    return options;
  }

  /// "static udp 4000 to 192.168.1.10:80"
  void add_static(Words& words) {
    StaticMapping wanted;
    wanted.protocol = protocol(next(words));
    wanted.external_port = static_cast<std::uint16_t>(number(next(words)));
    expect_word(words, "to");
    wanted.internal = endpoint(next(words));
    static_.push_back(wanted);
  }

  void forget_static(Words&) { static_.clear(); }

  void reload(Words&) {
    auto wanted = options();
    sort_out(house().gateway.reload(std::move(wanted.policy), static_, house().now));
  }

  void at(Words& words) {
    const Moment moment = kStart + duration(next(words));
    if (moment < house().now) throw Broken("time does not run backwards");
    sort_out(house().pass(moment - house().now));
  }

  void wan(Words& words) {
    const auto text = next(words);
    wan_ = text == "none" ? std::nullopt : std::optional(address(text));
    if (house_) sort_out(house_->change_network(home_network(wan_)));
  }

  void send(Words& words) {
    const Address client = address(next(words));
    const auto how = next(words);
    auto payload = how == "pcp" ? pcp_header(client, words) : Octets();
    if (how != "pcp" && how != "send") throw Broken("the word is missing: send");
    const auto octets = from_hex(rest(words));
    payload.insert(payload.end(), octets.begin(), octets.end());
    waiting_.push_back({client, std::move(payload)});
    if (!collecting_) hand_in();
  }

  /// Version, opcode, lifetime and client address (RFC 6887 §7.1).
  [[nodiscard]] static Octets pcp_header(const Address& client, Words& words) {
    const auto opcode = next(words);
    std::uint8_t number_of = 0;
    if (opcode == "map") {
      number_of = 1;
    } else if (opcode == "peer") {
      number_of = 2;
    } else if (opcode != "announce") {
      throw Broken("unknown opcode: " + opcode);
    }
    const auto lifetime = std::chrono::duration_cast<Seconds>(duration(next(words))).count();
    Octets header{pcp::kVersion, number_of, 0, 0};
    for (int shift = 24; shift >= 0; shift -= 8) {
      header.push_back(static_cast<std::uint8_t>(lifetime >> shift));
    }
    header.insert(header.end(), client.octets().begin(), client.octets().end());
    return header;
  }

  void turn(Words&) {
    if (collecting_) throw Broken("a turn within a turn");
    collecting_ = true;
  }

  void end_turn(Words& words) {
    expect_word(words, "turn");
    if (!collecting_) throw Broken("the end of no turn");
    collecting_ = false;
    hand_in();
  }

  void hand_in() {
    std::vector<IncomingDatagram> datagrams;
    for (const auto& [client, payload] : waiting_) datagrams.push_back(from(client, payload));
    sort_out(house().send_all(datagrams));
    waiting_.clear();
  }

  /// Announcements and answers are expected separately.
  void sort_out(Turn turn) {
    for (auto& datagram : turn.send) {
      if (datagram.destination.address.is_multicast()) {
        announcements_.push_back(std::move(datagram));
      } else {
        answers_.push_back(std::move(datagram));
      }
    }
  }

  void backend(Words& words) {
    const auto word = next(words);
    if (word == "refuse") {
      const auto of = protocol(next(words));
      firewall_->refuse({DoorKey::Kind::forward4, of, endpoint(next(words))});
    } else if (word == "fail") {
      firewall_->fail_next(static_cast<int>(number(next(words))));
    } else if (word == "heal") {
      firewall_->heal();
    } else {
      throw Broken("unknown word: " + word);
    }
  }

  // --- What is expected
  // ---------------------------------------------------------------------------

  void expect(Words& words) {
    auto pattern = rest(words);
    if (pattern.find("silence") != std::string::npos) {
      if (!answers_.empty()) throw Broken("no silence but " + to_hex(answers_.front().payload));
      return;
    }
    if (answers_.empty()) throw Broken("silence");
    const auto answer = std::move(answers_.front());
    answers_.pop_front();
    if (const auto to = pattern.find("to "); to != std::string::npos) {
      Words target(pattern.substr(to + 3));
      const auto asker = address(next(target));
      if (answer.destination.address != asker) {
        throw Broken("the answer went to " + answer.destination.address.to_string());
      }
      pattern = rest(target);
    }
    if (!matches(answer.payload, pattern)) throw Broken("the answer was " + to_hex(answer.payload));
  }

  void announcements(Words& words) {
    const auto wanted = number(next(words));
    if (announcements_.size() != wanted) {
      throw Broken("there were " + std::to_string(announcements_.size()));
    }
    const auto pattern = rest(words);
    for (const auto& announcement : announcements_) {
      if (pattern.find_first_not_of(' ') != std::string::npos &&
          !matches(announcement.payload, pattern)) {
        throw Broken("an announcement was " + to_hex(announcement.payload));
      }
    }
    announcements_.clear();
  }

  void doors(Words& words) {
    const auto wanted = number(next(words));
    if (house().doors() != wanted) {
      throw Broken("the firewall holds " + std::to_string(house().doors()));
    }
  }

  void mappings(Words& words) {
    const auto wanted = number(next(words));
    if (house().mappings() != wanted) {
      throw Broken("the table holds " + std::to_string(house().mappings()));
    }
  }

  /// `open udp 198.51.100.7:40001 to 192.168.1.10:8080`
  void open(Words& words) {
    const auto of = protocol(next(words));
    const auto external = endpoint(next(words));
    expect_word(words, "to");
    const auto internal = endpoint(next(words));
    const auto found = forward_of(of, external);
    if (!found) throw Broken("it is closed");
    if (found->internal != internal) throw Broken("it leads to " + to_string(found->internal));
  }

  void closed(Words& words) {
    const auto of = protocol(next(words));
    if (forward_of(of, endpoint(next(words)))) throw Broken("it is open");
  }

  [[nodiscard]] std::optional<Forward4> forward_of(Protocol of, const Endpoint& external) {
    for (const auto& timed : house().open_doors()) {
      const auto* forward = std::get_if<Forward4>(&timed.door);
      if (forward && forward->protocol == of && forward->external == external) return *forward;
    }
    return std::nullopt;
  }

  [[nodiscard]] Action action(void (Player::*does)(Words&)) {
    return [this, does](Words& words) { (this->*does)(words); };
  }

  const std::unordered_map<std::string, Action> actions_{
      {"limit", action(&Player::set_limit)},
      {"serve", action(&Player::serve)},
      {"start", action(&Player::start)},
      {"restart", action(&Player::restart)},
      {"at", action(&Player::at)},
      {"wan", action(&Player::wan)},
      {"from", action(&Player::send)},
      {"turn", action(&Player::turn)},
      {"end", action(&Player::end_turn)},
      {"backend", action(&Player::backend)},
      {"expect", action(&Player::expect)},
      {"announcements", action(&Player::announcements)},
      {"doors", action(&Player::doors)},
      {"mappings", action(&Player::mappings)},
      {"open", action(&Player::open)},
      {"closed", action(&Player::closed)},
      {"static", action(&Player::add_static)},
      {"nothing_static", action(&Player::forget_static)},
      {"reload", action(&Player::reload)},
  };

  std::shared_ptr<MemoryBackend> firewall_ = std::make_shared<MemoryBackend>();
  Limits limits_;
  Rule rule_ = default_rule();
  std::vector<StaticMapping> static_;
  Serves serves_ = Serves::natpmp;
  std::optional<Address> wan_ = kWan;
  std::unique_ptr<House> house_;

  bool collecting_ = false;
  std::vector<std::pair<Address, Octets>> waiting_;
  std::deque<OutgoingDatagram> answers_;
  std::vector<OutgoingDatagram> announcements_;
};

}  // namespace

std::optional<std::string> play_scenario(std::istream& story) {
  Player player;
  std::string line;
  int line_number = 0;
  try {
    while (std::getline(story, line)) {
      ++line_number;
      player.play_line(line);
    }
    player.end();
  } catch (const std::exception& broken) {
    return "line " + std::to_string(line_number) + ": " + broken.what() + "\n  " + line;
  }
  return std::nullopt;
}

}  // namespace postern::test
