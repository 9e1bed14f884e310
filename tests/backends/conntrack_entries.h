#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include "backends/conntrack/headers.h"
#include "core/endpoint.h"
#include "core/protocol.h"

namespace postern::test {

/// A connection to put into the kernel: as if such a packet had come, and these rules had
/// translated it.
struct Entry {
  Protocol protocol = Protocol::udp;
  Endpoint source;
  Endpoint destination;
  std::optional<Endpoint> dnat = {};
  std::optional<Endpoint> snat = {};
  std::uint8_t tcp_state = TCP_CONNTRACK_ESTABLISHED;
  std::uint16_t zone = 0;
  std::uint32_t mark = 0;

  /// As Entries::all() prints it.
  [[nodiscard]] std::string text() const {
    return std::string(to_string(protocol)) + " " + to_string(source) + " > " +
           to_string(destination);
  }
};

/// The connections in the network namespace in which this object was made, through
/// libnetfilter_conntrack alone.
class Entries {
 public:
  Entries() : handle_(nfct_open(NFNL_SUBSYS_CTNETLINK, 0)) {}

  void create(const Entry& entry) {
    ASSERT_TRUE(handle_) << std::generic_category().message(errno);
    const std::unique_ptr<nf_conntrack, Destroy> flow(nfct_new());
    auto* raw = flow.get();
    set_endpoints(raw, entry);
    nfct_set_attr_u8(raw, ATTR_L4PROTO, static_cast<std::uint8_t>(entry.protocol));
    nfct_setobjopt(raw, NFCT_SOPT_SETUP_REPLY);
    if (entry.dnat) {
      nfct_set_attr_u32(raw, ATTR_DNAT_IPV4, htonl(entry.dnat->address.v4_value()));
      nfct_set_attr_u16(raw, ATTR_DNAT_PORT, htons(entry.dnat->port));
    }
    if (entry.snat) {
      nfct_set_attr_u32(raw, ATTR_SNAT_IPV4, htonl(entry.snat->address.v4_value()));
      nfct_set_attr_u16(raw, ATTR_SNAT_PORT, htons(entry.snat->port));
    }
    if (entry.protocol == Protocol::tcp) nfct_set_attr_u8(raw, ATTR_TCP_STATE, entry.tcp_state);
    if (entry.zone != 0) nfct_set_attr_u16(raw, ATTR_ZONE, entry.zone);
    if (entry.mark != 0) nfct_set_attr_u32(raw, ATTR_MARK, entry.mark);
    nfct_set_attr_u32(raw, ATTR_TIMEOUT, 600);
    ASSERT_EQ(nfct_query(handle_.get(), NFCT_Q_CREATE, raw), 0)
        << entry.text() << ": " << std::generic_category().message(errno);
  }

  [[nodiscard]] std::set<std::string> all() {
    std::set<std::string> found;
    nfct_callback_register(handle_.get(), NFCT_T_ALL, note, &found);
    const std::uint32_t family = AF_UNSPEC;
    EXPECT_EQ(nfct_query(handle_.get(), NFCT_Q_DUMP, &family), 0);
    nfct_callback_unregister(handle_.get());
    return found;
  }

 private:
  struct Destroy {
    void operator()(nf_conntrack* flow) const { nfct_destroy(flow); }
  };
  struct Close {
    void operator()(nfct_handle* handle) const { nfct_close(handle); }
  };

  static void set_endpoints(nf_conntrack* flow, const Entry& entry) {
    const bool is_v4 = entry.source.address.is_v4();
    nfct_set_attr_u8(flow, ATTR_L3PROTO, is_v4 ? AF_INET : AF_INET6);
    if (is_v4) {
      nfct_set_attr_u32(flow, ATTR_IPV4_SRC, htonl(entry.source.address.v4_value()));
      nfct_set_attr_u32(flow, ATTR_IPV4_DST, htonl(entry.destination.address.v4_value()));
    } else {
      nfct_set_attr(flow, ATTR_IPV6_SRC, entry.source.address.octets().data());
      nfct_set_attr(flow, ATTR_IPV6_DST, entry.destination.address.octets().data());
    }
    nfct_set_attr_u16(flow, ATTR_PORT_SRC, htons(entry.source.port));
    nfct_set_attr_u16(flow, ATTR_PORT_DST, htons(entry.destination.port));
  }

  static Address address_of(const nf_conntrack* flow, nf_conntrack_attr four,
                            nf_conntrack_attr six) {
    if (nfct_get_attr_u8(flow, ATTR_L3PROTO) == AF_INET) {
      return Address::v4(ntohl(nfct_get_attr_u32(flow, four)));
    }
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), nfct_get_attr(flow, six), octets.size());
    return Address::v6(octets);
  }

  static int note(nf_conntrack_msg_type, nf_conntrack* flow, void* found) {
    const Entry entry{.protocol = static_cast<Protocol>(nfct_get_attr_u8(flow, ATTR_L4PROTO)),
                      .source = {address_of(flow, ATTR_IPV4_SRC, ATTR_IPV6_SRC),
                                 ntohs(nfct_get_attr_u16(flow, ATTR_PORT_SRC))},
                      .destination = {address_of(flow, ATTR_IPV4_DST, ATTR_IPV6_DST),
                                      ntohs(nfct_get_attr_u16(flow, ATTR_PORT_DST))}};
    static_cast<std::set<std::string>*>(found)->insert(entry.text());
    return NFCT_CB_CONTINUE;
  }

  std::unique_ptr<nfct_handle, Close> handle_;
};

}  // namespace postern::test
