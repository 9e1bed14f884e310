#include "daemon/turn_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Cause = TableEvent::Cause;
using Kind = TableEvent::Kind;

const Address kClient = Address::v4(0xc0a80107);
const Address kOther = Address::v4(0xc0a80108);
constexpr const char* kOpened =
    "opened tcp 198.51.100.7:8080 to 192.168.1.7:80 for 60 s (pcp 192.168.1.7)";

[[nodiscard]] TableEvent event(Kind kind, Cause cause) {
  Mapping mapping;
  mapping.protocol = Protocol::tcp;
  mapping.internal = {kClient, 80};
  mapping.external = {Address::v4(0xc6336407), 8080};
  mapping.claims = {{{"pcp", kClient}, {Seconds(60), Moment(Seconds(60))}}};
  return {kind, mapping, TableEvent::ListChange::count, cause};
}

[[nodiscard]] std::vector<std::string> lines(const TableEvent& event) {
  return lines_of(event, Policy(std::vector<Rule>()));
}

TEST(TurnLog, TellsWhyWhatNobodyAskedFor) {
  EXPECT_THAT(lines(event(Kind::opened, Cause::asked)), ElementsAre(kOpened));
  EXPECT_THAT(lines(event(Kind::opened, Cause::restored)),
              ElementsAre(std::string(kOpened) + "; cause: restored"));
  EXPECT_THAT(lines(event(Kind::renewed, Cause::policy)), IsEmpty());
}

TEST(TurnLog, TellsOfClaimsThatFellWhileOthersStay) {
  auto lost = event(Kind::renewed, Cause::host_gone);
  const Endpoint remote{Address::v4(0x08080808), 443};
  lost.dropped = {{{"upnp", kOther}, {}}, {{"pcp", kOther, remote}, {}}};
  const std::string rest =
      ", open for others: tcp 198.51.100.7:8080 to 192.168.1.7:80; cause: host_gone";
  EXPECT_THAT(lines(lost), ElementsAre("closed for upnp 192.168.1.8" + rest,
                                       "closed for pcp 192.168.1.8 with 8.8.8.8:443" + rest));
  for (const auto cause : {Cause::asked, Cause::lease_ended}) {
    lost.cause = cause;
    EXPECT_THAT(lines(lost), IsEmpty()) << "its client knows";
  }
}

}  // namespace
}  // namespace postern
