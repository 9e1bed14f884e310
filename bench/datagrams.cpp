#include "bench/datagrams.h"

#include <algorithm>
#include <cerrno>

#include "bench/net.h"

namespace postern::bench {

DatagramBatch::DatagramBatch(std::size_t capacity) : entries_(capacity), headers_(capacity) {
  for (std::size_t i = 0; i < capacity; ++i) {
    entries_[i].part.iov_base = entries_[i].octets.data();
    headers_[i].msg_hdr.msg_iov = &entries_[i].part;
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

void DatagramBatch::receive(int socket, int flags) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].part.iov_len = kLongest;
    headers_[i].msg_hdr.msg_name = &entries_[i].peer;
    headers_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
  }
  const int count =
      ::recvmmsg(socket, headers_.data(), static_cast<unsigned>(headers_.size()), flags, nullptr);
  size_ = static_cast<std::size_t>(std::max(count, 0));
  // Refused: the server does not listen, or not yet; to the asker that is a lost datagram.
  if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED) {
    throw_errno("recvmmsg");
  }
}

void DatagramBatch::push(Bytes datagram, const sockaddr_in* peer) {
  auto& entry = entries_[size_];
  auto& header = headers_[size_].msg_hdr;
  ++size_;
  entry.part.iov_len = std::min(datagram.size(), kLongest);
  std::copy_n(datagram.begin(), entry.part.iov_len, entry.octets.begin());
  if (peer != nullptr) entry.peer = *peer;
  header.msg_name = peer != nullptr ? &entry.peer : nullptr;
  header.msg_namelen = peer != nullptr ? sizeof(sockaddr_in) : 0;
}

void DatagramBatch::send(int socket) {
  std::size_t done = 0;
  while (done < size_) {
    const int count = ::sendmmsg(socket, &headers_[done], static_cast<unsigned>(size_ - done), 0);
    if (count < 0 && errno == EINTR) continue;
    done += count < 0 ? 1 : static_cast<std::size_t>(count);
  }
  size_ = 0;
}

Bytes DatagramBatch::datagram(std::size_t index) const {
  return Bytes(entries_[index].octets).first(headers_[index].msg_len);
}

}  // namespace postern::bench
