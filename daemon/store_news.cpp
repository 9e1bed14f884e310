#include "daemon/store_news.h"

namespace postern {

std::vector<StoreNews> news_of(const StoreHealth& before, const StoreHealth& now) {
  using State = StoreHealth::State;
  std::vector<StoreNews> news;
  if (!now.notice.empty() && now.notice != before.notice) {
    news.push_back({spdlog::level::warn, now.notice});
  }
  if (now.state == State::memory_only) {
    news.push_back({spdlog::level::err,
                    now.trouble + "; leases are kept in memory alone until it goes well again"});
  } else if (before.state == State::memory_only) {
    news.push_back({spdlog::level::info, "leases are on the disk again"});
  }
  return news;
}

}  // namespace postern
