#include "daemon/store_news.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = StoreHealth::State;

[[nodiscard]] StoreHealth health(State state, std::string trouble, std::string notice = "") {
  StoreHealth made;
  made.state = state;
  made.trouble = std::move(trouble);
  made.notice = std::move(notice);
  return made;
}

TEST(StoreNews, SaysOnceWhatATroubleMeans) {
  EXPECT_THAT(news_of({}, health(State::memory_only, "the disk is full")),
              ElementsAre(StoreNews{
                  spdlog::level::err,
                  "the disk is full; leases are kept in memory alone until it goes well again"}));
}

TEST(StoreNews, SaysThatATroubleIsOver) {
  EXPECT_THAT(news_of(health(State::memory_only, "the disk is full"), health(State::ok, "")),
              ElementsAre(StoreNews{spdlog::level::info, "leases are on the disk again"}));
}

TEST(StoreNews, SaysWhatWasMendedAndThatItIsOver) {
  EXPECT_THAT(news_of({}, health(State::ok, "", "moved aside")),
              ElementsAre(StoreNews{spdlog::level::warn, "moved aside"}));
  EXPECT_THAT(news_of(health(State::memory_only, "it failed"), health(State::ok, "", "moved")),
              ElementsAre(StoreNews{spdlog::level::warn, "moved"},
                          StoreNews{spdlog::level::info, "leases are on the disk again"}));
}

TEST(StoreNews, DoesNotRepeatAnOldNotice) {
  const auto noticed = health(State::ok, "", "moved aside");
  EXPECT_THAT(news_of(noticed, noticed), IsEmpty());
}

}  // namespace
}  // namespace postern
