#include "daemon/control_port.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/http_client.h"

namespace postern {
namespace {

using test::HttpClient;
using testing::HasSubstr;

constexpr const char* kGet = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr const char* kReload =
    "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kHistory = "GET /api/v1/history HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kWanted =
    R"({"protocol": "tcp", "external_port": 8080, "internal": "192.168.1.10:80"})";
const std::string kAdd = "POST /api/v1/mappings HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                         std::to_string(kWanted.size()) + "\r\n\r\n" + std::string(kWanted);

class ControlPortTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "control_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
    directory_ = top_ + "/run";
    file_ = directory_ + "/control.sock";
  }
  void TearDown() override { std::filesystem::remove_all(top_); }

  [[nodiscard]] std::unique_ptr<ControlPort> port(
      const ControlOptions& options = own_control_options()) {
    ControlActions actions;
    actions.status = [] { return std::string(R"({"is":"status"})"); };
    actions.reload = [this]() -> Result<Reloaded, ControlError> {
      ++reloads_;
      return Reloaded{};
    };
    actions.add = [](const StaticMapping&) -> Result<AddedMapping, ControlError> {
      return AddedMapping{7, {Address::v4(0xcb007101), 8080}};
    };
    actions.when_kept = [this](std::function<void(Kept)> tell) { kept_ = std::move(tell); };
    actions.history = [this](const HistoryQuery&, Told<std::vector<HistoryEntry>> told) {
      history_ = std::move(told);
    };
    return std::make_unique<ControlPort>(io_, actions, options);
  }
  /// Runs until `condition` holds; false when it does not within 20 seconds.
  template <class Condition>
  [[nodiscard]] bool comes_true(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + Seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(Milliseconds(2));
    }
    return true;
  }
  /// All that the server says to this, until it closes.
  [[nodiscard]] std::string ask(const std::string& octets) {
    HttpClient client(file_);
    EXPECT_TRUE(client.send(octets));
    EXPECT_TRUE(comes_true([&] { return client.is_ended(); }));
    EXPECT_FALSE(client.is_reset());
    return client.received();
  }
  [[nodiscard]] static mode_t mode_of(const std::string& file) {
    struct stat found {};
    EXPECT_EQ(::lstat(file.c_str(), &found), 0) << file;
    return found.st_mode & 07777;
  }
  /// What a daemon leaves that dies.
  void leave_stale_socket() const {
    std::filesystem::create_directory(directory_);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    file_.copy(at.sun_path, sizeof at.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    ::close(socket);
  }

  asio::io_context io_{1};
  std::string top_;
  std::string directory_;
  std::string file_;
  int reloads_ = 0;
  // What the disk would call.
  std::function<void(Kept)> kept_;
  Told<std::vector<HistoryEntry>> history_;
};

TEST_F(ControlPortTest, AnswersOnItsSocketAndTakesItAway) {
  const auto umask_before = ::umask(077);
  auto port = this->port();
  const auto listening = port->listen(directory_);
  ::umask(umask_before);
  ASSERT_TRUE(listening) << listening.error();
  EXPECT_EQ(mode_of(directory_), 0755U);
  EXPECT_EQ(mode_of(file_), 0600U);
  const auto answer = ask(kGet);
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\n{\"is\":\"status\"}"));
  port.reset();
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(ControlPortTest, NobodyElseMayConnectWhateverTheUmask) {
  const auto umask_before = ::umask(0);
  auto port = this->port();
  const auto listening = port->listen(directory_);
  ::umask(umask_before);
  ASSERT_TRUE(listening) << listening.error();
  EXPECT_EQ(mode_of(directory_), 0755U);
  EXPECT_EQ(mode_of(file_), 0600U);
}

TEST_F(ControlPortTest, LeavesADirectoryThatWasThere) {
  std::filesystem::create_directory(directory_);
  ASSERT_EQ(::chmod(directory_.c_str(), 0711), 0);
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  EXPECT_EQ(mode_of(directory_), 0711U);
  port.reset();
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(ControlPortTest, KnowsWhoAsks) {
  auto port = this->port({.administrators = {::geteuid()}});
  ASSERT_TRUE(port->listen(directory_));
  EXPECT_THAT(ask(kReload), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_EQ(reloads_, 1);
  port.reset();
  // To this one we are a foreign user.
  port = this->port({.administrators = {::geteuid() + 1}});
  ASSERT_TRUE(port->listen(directory_));
  EXPECT_THAT(ask(kReload), HasSubstr("HTTP/1.1 403 Forbidden"));
  EXPECT_THAT(ask(kGet), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_EQ(reloads_, 1);
}

TEST_F(ControlPortTest, ReplacesTheSocketOfADeadDaemon) {
  leave_stale_socket();
  auto port = this->port();
  const auto listening = port->listen(directory_);
  ASSERT_TRUE(listening) << listening.error();
  EXPECT_THAT(ask(kGet), HasSubstr("200 OK"));
}

TEST_F(ControlPortTest, LeavesTheSocketOfALivingDaemonAlone) {
  auto first = port();
  ASSERT_TRUE(first->listen(directory_));
  {
    auto second = port();
    const auto listening = second->listen(directory_);
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error(),
              "control socket: " + directory_ + " is another posternd's; set runtime_dir");
  }
  EXPECT_THAT(ask(kGet), HasSubstr("200 OK"));
}

TEST_F(ControlPortTest, TellsWhyItCannotListen) {
  const auto error_of = [&](const std::string& directory) {
    const auto listening = port()->listen(directory);
    return listening ? "" : listening.error();
  };
  std::filesystem::create_directory(directory_);
  std::ofstream(file_) << "precious";
  EXPECT_THAT(error_of(directory_), HasSubstr(file_ + " is there and is no socket"));
  EXPECT_EQ(std::filesystem::file_size(file_), 8U);
  EXPECT_THAT(error_of(file_), HasSubstr(file_));
  EXPECT_THAT(error_of(top_ + "/" + std::string(100, 'a')), HasSubstr("too long"));
  EXPECT_FALSE(std::filesystem::exists(top_ + "/" + std::string(100, 'a')));
}

TEST_F(ControlPortTest, RefusesTooLargeRequests) {
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  const auto post = [](std::size_t size) {
    return "POST /api/v1/reload HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n" + std::string(size, ' ');
  };
  EXPECT_THAT(ask(post(65536)), HasSubstr("HTTP/1.1 200 OK"));
  const auto answer = ask(post(65537));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr(R"({"error":{"code":")"));
  EXPECT_EQ(reloads_, 1);
}

TEST_F(ControlPortTest, RefusesWhatIsNotHttp) {
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  EXPECT_THAT(ask("hello\r\n\r\n"), HasSubstr(R"({"error":{"code":"bad_request")"));
}

TEST_F(ControlPortTest, ServesOneWhileAnotherIsSlow) {
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  HttpClient slow(file_);
  ASSERT_TRUE(slow.send("GET /api/v1/sta"));
  EXPECT_THAT(ask(kGet), HasSubstr("200 OK"));
  ASSERT_FALSE(slow.is_ended());
  ASSERT_TRUE(slow.send("tus HTTP/1.1\r\nHost: h\r\n\r\n"));
  ASSERT_TRUE(comes_true([&] { return slow.is_ended(); }));
  EXPECT_THAT(slow.received(), HasSubstr("200 OK"));
}

TEST_F(ControlPortTest, ClosesASlowClient) {
  auto options = own_control_options();
  options.time = Milliseconds(50);
  auto port = this->port(options);
  ASSERT_TRUE(port->listen(directory_));
  HttpClient slow(file_);
  ASSERT_TRUE(slow.send("GET /api/v1/sta"));
  ASSERT_TRUE(comes_true([&] { return slow.is_ended(); }));
  EXPECT_EQ(slow.received(), "");
}

TEST_F(ControlPortTest, DoesNotWaitForASlowDiskUntilTheConnectionEnds) {
  auto options = own_control_options();
  options.time = Seconds(20);
  options.disk_time = Milliseconds(20);
  auto port = this->port(options);
  ASSERT_TRUE(port->listen(directory_));
  const auto added = ask(kAdd);
  EXPECT_THAT(added, HasSubstr("HTTP/1.1 201 Created"));
  EXPECT_THAT(added, HasSubstr("has not taken it yet"));
  const auto history = ask(kHistory);
  EXPECT_THAT(history, HasSubstr("HTTP/1.1 503 "));
  EXPECT_THAT(history, HasSubstr(R"("code":"history_unavailable")"));
  // Nobody waits for it any more.
  kept_(Kept::on_disk);
  history_(std::vector<HistoryEntry>());
}

TEST_F(ControlPortTest, TellsWhatTheDiskSaysInTime) {
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  HttpClient client(file_);
  ASSERT_TRUE(client.send(kAdd));
  ASSERT_TRUE(comes_true([&] { return kept_ != nullptr; }));
  EXPECT_EQ(client.received(), "");
  kept_(Kept::on_disk);
  ASSERT_TRUE(comes_true([&] { return client.is_ended(); }));
  EXPECT_THAT(client.received(), HasSubstr("\"warnings\":[]"));
}

TEST_F(ControlPortTest, EndsWhileTheDiskIsWaitedFor) {
  auto options = own_control_options();
  options.disk_time = Milliseconds(20);
  auto port = this->port(options);
  ASSERT_TRUE(port->listen(directory_));
  HttpClient client(file_);
  ASSERT_TRUE(client.send(kAdd));
  ASSERT_TRUE(comes_true([&] { return kept_ != nullptr; }));
  port.reset();
  io_.restart();
  io_.run_for(Milliseconds(40));
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(client.received(), "");
}

TEST_F(ControlPortTest, TheDiskHasLessTimeThanTheConnection) {
  EXPECT_LT(own_control_options().disk_time, own_control_options().time);
}

TEST_F(ControlPortTest, OfSixteenTheSlowestGivesWayToTheNext) {
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  std::vector<HttpClient> idle;
  for (int i = 0; i < 16; ++i) {
    idle.emplace_back(file_);
    ASSERT_TRUE(idle.back().send("GET /"));
  }
  HttpClient next(file_);
  ASSERT_TRUE(next.send(kGet));
  ASSERT_TRUE(comes_true([&] { return next.is_ended(); }));
  EXPECT_THAT(next.received(), HasSubstr("200 OK"));
  const auto ended =
      std::count_if(idle.begin(), idle.end(), [](HttpClient& client) { return client.is_ended(); });
  EXPECT_EQ(ended, 1);
}

TEST_F(ControlPortTest, EndsWithClientsConnected) {
  auto port = this->port();
  ASSERT_TRUE(port->listen(directory_));
  HttpClient idle(file_);
  ASSERT_TRUE(idle.send("GET /"));
  io_.restart();
  io_.run_for(Milliseconds(30));
  port.reset();
  ASSERT_TRUE(comes_true([&] { return idle.is_ended(); }));
}

}  // namespace
}  // namespace postern
