#include "daemon/http_admission.h"

#include <algorithm>
#include <utility>

namespace postern {

bool HttpAdmission::enter(const Address& source, std::function<void()> serve) {
  auto& of = sources_[source];
  const bool is_served = of.served < crowd_.served_of_a_source;
  if (!is_served && of.waiting.size() >= crowd_.waiting_of_a_source) return false;
  ++in_all_;
  if (!is_served) {
    of.waiting.push_back(std::move(serve));
    return true;
  }
  ++of.served;
  serve();
  return true;
}

void HttpAdmission::leave(const Address& source) {
  const auto found = sources_.find(source);
  if (found == sources_.end()) return;  // Closed meanwhile.
  auto& of = found->second;
  --in_all_;
  if (!of.waiting.empty()) {
    const auto serve = std::move(of.waiting.front());
    of.waiting.pop_front();
    serve();
  } else if (--of.served == 0) {
    sources_.erase(found);
  }
}

bool HttpAdmission::drop_waiting() {
  const auto most = std::ranges::max_element(
      sources_, {}, [](const auto& entry) { return entry.second.waiting.size(); });
  if (most == sources_.end() || most->second.waiting.empty()) return false;
  most->second.waiting.pop_back();
  --in_all_;
  return true;
}

bool HttpAdmission::may_idle(const Address& source) const {
  const auto found = sources_.find(source);
  return found != sources_.end() && found->second.served <= crowd_.served_of_a_source / 2 &&
         in_all_ <= crowd_.in_all / 2;
}

void HttpAdmission::close() {
  in_all_ = crowd_.in_all;
  sources_.clear();
}

}  // namespace postern
