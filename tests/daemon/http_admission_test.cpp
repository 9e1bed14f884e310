#include "daemon/http_admission.h"

#include <string>

#include <gtest/gtest.h>

namespace postern {
namespace {

const Address kA = Address::v4(1);
const Address kB = Address::v4(2);

class HttpAdmissionTest : public testing::Test {
 protected:
  bool enter(const Address& source, char name) {
    return admission_.enter(source, [this, name] { served_ += name; });
  }

  HttpAdmission admission_{{.served_of_a_source = 2, .waiting_of_a_source = 2, .in_all = 5}};
  std::string served_;
};

TEST_F(HttpAdmissionTest, ServesASourceUpToItsShareAndTheRestInTurn) {  // HTTP-08
  for (const char name : {'a', 'b', 'c', 'd'}) EXPECT_TRUE(enter(kA, name));
  EXPECT_EQ(served_, "ab");
  EXPECT_FALSE(enter(kA, 'e'));
  EXPECT_TRUE(enter(kB, 'B'));
  EXPECT_EQ(served_, "abB");
  for (const auto* served : {"abBc", "abBcd", "abBcd", "abBcd"}) {
    admission_.leave(kA);
    EXPECT_EQ(served_, served);
  }
  EXPECT_TRUE(enter(kA, 'f'));
  EXPECT_EQ(served_, "abBcdf");
}

TEST_F(HttpAdmissionTest, HasRoomForSoManyInAll) {  // HTTP-08
  for (const char name : {'a', 'b', 'c', 'd'}) EXPECT_TRUE(enter(kA, name));
  EXPECT_FALSE(enter(kA, 'e'));
  EXPECT_TRUE(admission_.has_room());
  EXPECT_TRUE(enter(kB, 'B'));
  EXPECT_FALSE(admission_.has_room());
  admission_.leave(kA);
  EXPECT_TRUE(admission_.has_room());
}

TEST_F(HttpAdmissionTest, WhoWaitsGivesWay) {
  EXPECT_TRUE(enter(kB, 'x'));
  EXPECT_TRUE(enter(kB, 'y'));
  EXPECT_FALSE(admission_.drop_waiting()) << "nobody waits";
  for (const char name : {'a', 'b', 'c'}) EXPECT_TRUE(enter(kA, name));
  EXPECT_FALSE(admission_.has_room());
  EXPECT_TRUE(admission_.drop_waiting());
  EXPECT_TRUE(admission_.has_room());
  admission_.leave(kA);
  EXPECT_EQ(served_, "xyab") << "c has gone";
}

TEST_F(HttpAdmissionTest, LetsHalfOfThemIdle) {
  EXPECT_FALSE(admission_.may_idle(kA));
  EXPECT_TRUE(enter(kA, 'a'));
  EXPECT_TRUE(admission_.may_idle(kA));
  EXPECT_TRUE(enter(kA, 'b'));
  EXPECT_FALSE(admission_.may_idle(kA));
  EXPECT_TRUE(enter(kB, 'c'));
  EXPECT_FALSE(admission_.may_idle(kB));
  admission_.leave(kA);
  EXPECT_TRUE(admission_.may_idle(kA));
  EXPECT_TRUE(admission_.may_idle(kB));
}

TEST_F(HttpAdmissionTest, ServesNobodyOnceClosed) {
  for (const char name : {'a', 'b', 'c'}) EXPECT_TRUE(enter(kA, name));
  admission_.close();
  EXPECT_FALSE(admission_.has_room());
  admission_.leave(kA);
  EXPECT_EQ(served_, "ab");
}

}  // namespace
}  // namespace postern
