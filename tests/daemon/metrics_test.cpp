#include "daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/memory/memory_backend.h"
#include "backends/memory/memory_flow_table.h"
#include "daemon/metric_text.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/version_demux.h"

namespace postern {
namespace {

using testing::HasSubstr;
using testing::Not;

const Address kGateway = Address::v4({192, 168, 1, 1});
const Address kClient = Address::v4({192, 168, 1, 10});
const Moment kStart{Seconds(1000)};

TEST(MetricText, EachFamilyHasItsHelpAndType) {
  MetricText text;
  text.counter("a_total", "How many a.").sample(3).sample(4, {{"x", "1"}, {"y", "2"}});
  text.gauge("b", "How much b.").sample(0, {{"x", "1"}});
  EXPECT_EQ(std::move(text).take(),
            "# HELP a_total How many a.\n# TYPE a_total counter\n"
            "a_total 3\na_total{x=\"1\",y=\"2\"} 4\n"
            "# HELP b How much b.\n# TYPE b gauge\nb{x=\"1\"} 0\n");
}

TEST(MetricText, ValuesOfLabelsAreEscaped) {
  MetricText text;
  text.gauge("a", "A.").sample(1, {{"x", "\"\\\n"}});
  EXPECT_THAT(std::move(text).take(), HasSubstr("a{x=\"\\\"\\\\\\n\"} 1\n"));
}

TEST(MetricText, AHistogramAddsUp) {
  Latency latency;
  for (const int took : {50, 51, 2'000'000}) latency.note(Latency::Duration(took));
  MetricText text;
  text.histogram("t_seconds", "Time.", latency);
  const auto told = std::move(text).take();
  EXPECT_THAT(told, HasSubstr("# TYPE t_seconds histogram\n"
                              "t_seconds_bucket{le=\"5e-05\"} 1\n"
                              "t_seconds_bucket{le=\"0.0001\"} 2\n"));
  EXPECT_THAT(told, HasSubstr("t_seconds_bucket{le=\"1\"} 2\n"
                              "t_seconds_bucket{le=\"+Inf\"} 3\n"
                              "t_seconds_sum 2.000101\nt_seconds_count 3\n"));
}

class Metrics : public testing::Test {
 protected:
  void SetUp() override {
    const Network network{Interface{"wan0", 2, {{Address::v4({203, 0, 113, 1}), 24}}},
                          {Interface{"lan0", 3, {{kGateway, 24}}}}};
    ASSERT_TRUE(gateway_.start(network, kStart));
  }
  void map(std::uint16_t port) {
    const auto payload = natpmp::emit(natpmp::MapRequest{Protocol::udp, port, port, 60});
    const std::vector datagrams{
        IncomingDatagram{3, {kClient, 50000}, {kGateway, natpmp::kServerPort}, payload}};
    turns_.note(gateway_.on_datagrams(datagrams, kStart));
  }
  [[nodiscard]] std::string text(const ShellStatus& shell = {}) const {
    return metrics_text(gateway_, shell, turns_, kStart + Seconds(5));
  }

  MemoryBackend backend_;
  MemoryFlowTable flows_;
  natpmp::Frontend natpmp_;
  VersionDemux demux_{&natpmp_, nullptr};
  Gateway gateway_{{}, backend_, flows_, demux_, kStart};
  TurnCounters turns_;
};

TEST_F(Metrics, CountWhatIsThereAndWhatWasAsked) {
  EXPECT_THAT(text(), HasSubstr("postern_mappings{protocol=\"udp\",family=\"ipv4\"} 0\n"));
  map(4000);
  map(4001);
  const auto told = text();
  EXPECT_THAT(told, HasSubstr("postern_mappings{protocol=\"udp\",family=\"ipv4\"} 2\n"));
  EXPECT_THAT(told, HasSubstr("postern_requests_total{frontend=\"natpmp\",request=\"map\","));
  EXPECT_THAT(told,
              HasSubstr("postern_mapping_events_total{event=\"opened\",cause=\"asked\"} 2\n"));
  EXPECT_THAT(told, HasSubstr("postern_epoch_seconds{of=\"mappings\"} 5\n"));
  EXPECT_THAT(told, HasSubstr("postern_firewall_info{backend=\"memory\"} 1\n"));
}

TEST_F(Metrics, CountRefusalsByErrorAlone) {
  map(22);
  map(23);
  EXPECT_THAT(
      text(),
      HasSubstr("postern_refusals_total{frontend=\"natpmp\",error=\"not_authorized\"} 2\n"));
  EXPECT_THAT(text(), Not(HasSubstr("192.168")));
}

TEST_F(Metrics, TellRefusalsInTheWordsOfTheFrontend) {
  Turn turn;
  Refusal refusal;
  refusal.claimant = {"pcp", kClient};
  refusal.own_word = "UNSUPP_OPTION";
  turn.refusals = {refusal};
  turns_.note(turn);
  EXPECT_THAT(text(),
              HasSubstr("postern_refusals_total{frontend=\"pcp\",error=\"UNSUPP_OPTION\"} 1\n"));
}

TEST_F(Metrics, NameEachFamilyAlsoWithoutMappings) {
  EXPECT_THAT(text(), HasSubstr("postern_mappings{protocol=\"tcp\",family=\"ipv6\"} 0\n"));
}

TEST_F(Metrics, TellOfTheStoreWhereThereIsOne) {
  EXPECT_THAT(text(), Not(HasSubstr("postern_store")));
  ShellStatus shell;
  shell.store.emplace();
  shell.store->health.state = StoreHealth::State::memory_only;
  shell.store->health.pending = 7;
  EXPECT_THAT(text(shell), HasSubstr("postern_store_ok 0\n"));
  EXPECT_THAT(text(shell), HasSubstr("postern_store_pending 7\n"));
}

}  // namespace
}  // namespace postern
