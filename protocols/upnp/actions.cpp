#include "protocols/upnp/actions.h"

#include "protocols/upnp/connection_actions.h"
#include "protocols/upnp/mapping_actions_create.h"
#include "protocols/upnp/mapping_actions_delete.h"
#include "protocols/upnp/mapping_actions_read.h"
#include "protocols/upnp/pinhole_actions.h"

namespace postern::upnp {

Result<std::vector<Value>, Fault> execute(const ActionCall& call, const Caller& caller,
                                          const Surroundings& around) {
  const Invocation invocation{call, caller, around};
  switch (call.action->id) {
    case ActionId::get_default_connection_service:
    case ActionId::get_common_link_properties:
    case ActionId::get_total_bytes_sent:
    case ActionId::get_total_bytes_received:
    case ActionId::get_total_packets_sent:
    case ActionId::get_total_packets_received:
    case ActionId::get_connection_type_info:
    case ActionId::get_status_info:
    case ActionId::get_nat_rsip_status:
    case ActionId::get_external_ip_address:
    case ActionId::get_firewall_status:
      return get_variables(invocation);
    case ActionId::set_default_connection_service:
      return set_default_connection_service(invocation);
    case ActionId::set_connection_type:
      return set_connection_type(invocation);
    case ActionId::request_connection:
      return request_connection(invocation);
    case ActionId::force_termination:
      return force_termination(invocation);
    case ActionId::get_generic_port_mapping_entry:
      return get_generic_port_mapping_entry(invocation);
    case ActionId::get_specific_port_mapping_entry:
      return get_specific_port_mapping_entry(invocation);
    case ActionId::add_port_mapping:
      return add_port_mapping(invocation);
    case ActionId::add_any_port_mapping:
      return add_any_port_mapping(invocation);
    case ActionId::delete_port_mapping:
      return delete_port_mapping(invocation);
    case ActionId::delete_port_mapping_range:
      return delete_port_mapping_range(invocation);
    case ActionId::get_list_of_port_mappings:
      return get_list_of_port_mappings(invocation);
    case ActionId::get_outbound_pinhole_timeout:
      return get_outbound_pinhole_timeout(invocation);
    case ActionId::add_pinhole:
      return add_pinhole(invocation);
    case ActionId::update_pinhole:
      return update_pinhole(invocation);
    case ActionId::delete_pinhole:
      return delete_pinhole(invocation);
    case ActionId::get_pinhole_packets:
      return get_pinhole_packets(invocation);
    case ActionId::check_pinhole_working:
      return check_pinhole_working(invocation);
  }
  return fail(faults::kInvalidAction);
}

}  // namespace postern::upnp
