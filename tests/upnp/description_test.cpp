#include "protocols/upnp/description.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "tests/upnp/requests.h"

namespace postern::upnp {
namespace {

using namespace test;

[[nodiscard]] std::vector<Resource> documents_of(const Identity& identity) {
  std::vector<Resource> resources;
  for (const auto view : kViews) {
    resources.push_back({ResourceKind::description, view, std::nullopt});
    for (const auto& service : services()) {
      if (identity.offers(view, service)) {
        resources.push_back({ResourceKind::scpd, view, service.id});
      }
    }
  }
  return resources;
}

[[nodiscard]] pugi::xml_document parsed(const std::string& xml) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_buffer(xml.data(), xml.size(), pugi::parse_full)) << xml;
  return document;
}

[[nodiscard]] std::string description(const Identity& identity, View view) {
  return *Documents(identity).find({ResourceKind::description, view, std::nullopt});
}

// IGD-005, 007, 013; with POSTERN_WRITE_GOLDEN in the environment the files are written anew, and
// what changed is seen in the version control.
TEST(Documents, AreTheGoldenOnes) {
  const auto identity = sample_identity();
  const Documents documents(identity);
  for (const auto& resource : documents_of(identity)) {
    const auto path = path_of(identity, resource).substr(identity.token.size() + 2);
    const auto file = std::filesystem::path(POSTERN_GOLDEN_DIR) / path;
    ASSERT_NE(documents.find(resource), nullptr) << path;
    if (std::getenv("POSTERN_WRITE_GOLDEN")) {
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file) << *documents.find(resource);
      ADD_FAILURE() << "written: " << file;
    }
    std::ifstream golden(file);
    EXPECT_EQ(*documents.find(resource), (std::string{std::istreambuf_iterator<char>(golden), {}}))
        << path;
  }
}

// IGD-001, 002, 003
TEST(Description, NestsThreeDevices) {
  const auto identity = sample_identity();
  for (const auto view : kViews) {
    const auto document = parsed(description(identity, view));
    const std::string version = view == View::igd1 ? ":1" : ":2";
    pugi::xml_node device = document.child("root").child("device");
    const std::array levels{std::pair{"InternetGatewayDevice", DeviceLevel::root},
                            std::pair{"WANDevice", DeviceLevel::wan},
                            std::pair{"WANConnectionDevice", DeviceLevel::wan_connection}};
    for (const auto& [type, level] : levels) {
      EXPECT_EQ(device.child_value("deviceType"),
                "urn:schemas-upnp-org:device:" + std::string(type) + version);
      EXPECT_EQ(device.child_value("UDN"), identity.udn(view, level));
      for (const auto* name : {"friendlyName", "manufacturer", "modelName"}) {
        EXPECT_STRNE(device.child_value(name), "") << name;
      }
      EXPECT_EQ(device.child("UPC"), nullptr);
      device = device.child("deviceList").child("device");
    }
    EXPECT_EQ(device, nullptr);
  }
}

// IGD-001, 005, 009, 180
TEST(Description, OffersTheServicesOfItsView) {
  const auto types = [](View view) {
    const auto xml = description(sample_identity(), view);
    const std::regex type("<serviceType>urn:schemas-upnp-org:service:([^<]+)</serviceType>");
    std::vector<std::string> found;
    for (std::sregex_iterator i(xml.begin(), xml.end(), type), end; i != end; ++i) {
      found.push_back((*i)[1]);
    }
    return found;
  };
  EXPECT_EQ(types(View::igd1),
            (std::vector<std::string>{"Layer3Forwarding:1", "WANCommonInterfaceConfig:1",
                                      "WANIPConnection:1", "WANPPPConnection:1"}));
  EXPECT_EQ(types(View::igd2),
            (std::vector<std::string>{"Layer3Forwarding:1", "WANCommonInterfaceConfig:1",
                                      "WANIPConnection:2", "WANIPv6FirewallControl:1"}));
}

// IGD-006
TEST(Description, LeadsToItsOwnView) {
  for (const auto view : kViews) {
    const auto identity = sample_identity();
    const auto xml = description(identity, view);
    const std::regex url("<(SCPD|control|eventSub)URL>([^<]+)</");
    int count = 0;
    for (std::sregex_iterator i(xml.begin(), xml.end(), url), end; i != end; ++i, ++count) {
      const auto resource = find_resource(identity, (*i)[2].str());
      ASSERT_TRUE(resource) << (*i)[2];
      EXPECT_EQ(resource->view, view);
      const auto kind = (*i)[1] == "SCPD"      ? ResourceKind::scpd
                        : (*i)[1] == "control" ? ResourceKind::control
                                               : ResourceKind::event;
      EXPECT_EQ(resource->kind, kind);
    }
    EXPECT_EQ(count, 12);
  }
}

//
TEST(Description, HasTheControlUrlAfterItsType) {
  const auto xml = description(sample_identity(), View::igd1);
  const auto type = xml.find("WANIPConnection:1");
  ASSERT_NE(type, std::string::npos);
  const auto url = xml.find("controlURL>", type);
  EXPECT_EQ(xml.compare(url, 60, "controlURL>/0123456789abcdef/igd1/control/WANIPConn1</contro"),
            0);
}

// Q-01, IGD-005
TEST(Description, OfTheFirstViewKnowsNothingOfTheSecond) {
  const auto identity = sample_identity();
  const Documents documents(identity);
  for (const auto& resource : documents_of(identity)) {
    if (resource.view != View::igd1) continue;
    for (const auto* word :
         {":2<", "AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings",
          "SystemUpdateID", "A_ARG_TYPE", "IPv6", "DeviceProtection", "604800"}) {
      EXPECT_EQ(documents.find(resource)->find(word), std::string::npos) << word;
    }
  }
}

// HTTP-13
TEST(Description, HasTheRootOfTheArchitecture) {
  const auto identity = sample_identity();
  const auto document = parsed(description(identity, View::igd1));
  const auto root = document.child("root");
  EXPECT_STREQ(root.attribute("xmlns").value(), "urn:schemas-upnp-org:device-1-0");
  EXPECT_EQ(root.attribute("configId").as_uint(), config_id(identity));
  EXPECT_STREQ(root.child("specVersion").child_value("major"), "1");
  EXPECT_EQ(root.child("URLBase"), nullptr);
}

// HTTP-16, Q-10
TEST(Description, HasThePresentationUrl) {
  auto identity = sample_identity();
  const auto url = [&] {
    const auto document = parsed(description(identity, View::igd1));
    const auto node = document.child("root").child("device").child("presentationURL");
    return node ? std::optional<std::string>(node.child_value()) : std::nullopt;
  };
  EXPECT_EQ(url(), "http://192.168.77.1:5352/");
  identity.presentation_url.clear();
  EXPECT_EQ(url(), std::nullopt);
}

TEST(Description, EscapesTheHostsName) {
  auto identity = sample_identity();
  identity.friendly_name = "Postern on <a&b>";
  const auto document = parsed(description(identity, View::igd2));
  EXPECT_STREQ(document.child("root").child("device").child_value("friendlyName"),
               "Postern on <a&b>");
}

// SSDP-12
TEST(Documents, HaveAnotherNumberWhenOneChanges) {
  const auto before = config_id(sample_identity());
  EXPECT_EQ(before, config_id(sample_identity()));
  EXPECT_LE(before, 16777215U);
  auto identity = sample_identity();
  identity.boot_id = 8;
  EXPECT_EQ(config_id(identity), before);
  identity.friendly_name += '.';
  EXPECT_NE(config_id(identity), before);
  identity = sample_identity();
  identity.offers_ppp_alias = false;
  EXPECT_NE(config_id(identity), before);
  identity = sample_identity();
  identity.model_number = "1.1";
  EXPECT_NE(config_id(identity), before);
}

TEST(Documents, AreOnlyThoseThatAreOffered) {
  auto identity = sample_identity();
  EXPECT_EQ(
      Documents(identity).find({ResourceKind::control, View::igd1, ServiceId::wan_ip_connection}),
      nullptr);
  identity.offers_ppp_alias = false;
  const Documents documents(identity);
  EXPECT_EQ(documents.find({ResourceKind::scpd, View::igd1, ServiceId::wan_ppp_connection}),
            nullptr);
  EXPECT_EQ(documents.find({ResourceKind::scpd, View::igd1, ServiceId::wan_ipv6_firewall_control}),
            nullptr);
}

// IGD-007
TEST(Scpd, RelatesEveryArgumentToAVariable) {
  const auto identity = sample_identity();
  const Documents documents(identity);
  for (const auto& resource : documents_of(identity)) {
    if (resource.kind != ResourceKind::scpd) continue;
    const auto document = parsed(*documents.find(resource));
    const auto root = document.child("scpd");
    EXPECT_STREQ(root.attribute("xmlns").value(), "urn:schemas-upnp-org:service-1-0");
    int arguments = 0;
    for (const auto& action : root.child("actionList").children("action")) {
      for (const auto& argument : action.child("argumentList").children("argument")) {
        ++arguments;
        EXPECT_TRUE(root.child("serviceStateTable")
                        .find_child_by_attribute("stateVariable", "sendEvents", "yes"));
        const auto* variable = argument.child_value("relatedStateVariable");
        const auto table = root.child("serviceStateTable").children("stateVariable");
        EXPECT_TRUE(std::any_of(table.begin(), table.end(), [&](const pugi::xml_node& node) {
          return std::string_view(node.child_value("name")) == variable;
        })) << variable;
      }
    }
    EXPECT_GT(arguments, 0);
  }
}

// The SCPD of version 2 declares the lease's range; that of version 1 has none.
TEST(Scpd, DeclaresLimits) {
  const auto& connection = service(ServiceId::wan_ip_connection);
  const auto lease = [&](View view) {
    const auto xml = scpd(connection, view);
    const auto begin = xml.find("<name>PortMappingLeaseDuration</name>");
    return xml.substr(begin, xml.find("</stateVariable>", begin) - begin);
  };
  EXPECT_EQ(lease(View::igd1), "<name>PortMappingLeaseDuration</name><dataType>ui4</dataType>");
  EXPECT_EQ(lease(View::igd2),
            "<name>PortMappingLeaseDuration</name><dataType>ui4</dataType>"
            "<defaultValue>3600</defaultValue><allowedValueRange><minimum>0</minimum>"
            "<maximum>604800</maximum></allowedValueRange>");
}

}  // namespace
}  // namespace postern::upnp
