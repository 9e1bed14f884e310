#include <gtest/gtest.h>

#include "backends/nftables/pin_book.h"

namespace postern::nftables {
namespace {

const Pin kPin{Protocol::udp, {Address::v4({192, 168, 78, 2}), 5000}};
const Pin kOther{Protocol::tcp, {Address::v4({192, 168, 78, 2}), 5000}};
const Moment kSoon{std::chrono::minutes(1)};
const Moment kLate{std::chrono::minutes(9)};

/// The one change that is staged.
[[nodiscard]] PinBook::Change only_change(const PinBook& book) {
  const auto changes = book.changes();
  EXPECT_EQ(changes.size(), 1U);
  return changes.empty() ? PinBook::Change{} : changes.front();
}

TEST(PinBook, AFirstDoorNeedsThePin) {
  PinBook book;
  book.add(kPin, kSoon, 4);
  const auto change = only_change(book);
  EXPECT_EQ(change.pin, kPin);
  EXPECT_EQ(change.before, std::nullopt);
  EXPECT_EQ(change.after, kSoon);
  EXPECT_EQ(change.cause, 4U);
  book.keep();
  EXPECT_TRUE(book.changes().empty());
}

TEST(PinBook, ASharedPinLivesAsLongAsItsLastDoor) {
  PinBook book;
  book.add(kPin, kSoon, 0);
  book.add(kPin, kLate, 1);
  EXPECT_EQ(only_change(book).after, kLate);
  book.keep();

  book.remove(kPin, kSoon, 0);
  EXPECT_TRUE(book.changes().empty());
  book.keep();

  book.remove(kPin, kLate, 7);
  const auto change = only_change(book);
  EXPECT_EQ(change.before, kLate);
  EXPECT_EQ(change.after, std::nullopt);
  EXPECT_EQ(change.cause, 7U);
}

TEST(PinBook, ASharedPinShrinksToWhatIsLeft) {
  PinBook book;
  book.add(kPin, kSoon, 0);
  book.add(kPin, kLate, 1);
  book.keep();
  book.remove(kPin, kLate, 0);
  EXPECT_EQ(only_change(book).before, kLate);
  EXPECT_EQ(only_change(book).after, kSoon);
}

TEST(PinBook, TwoDoorsOfOneEndCountAsTwo) {
  PinBook book;
  book.add(kPin, kSoon, 0);
  book.add(kPin, kSoon, 1);
  book.keep();
  book.remove(kPin, kSoon, 0);
  EXPECT_TRUE(book.changes().empty());
  book.keep();
  book.remove(kPin, kSoon, 0);
  EXPECT_EQ(only_change(book).after, std::nullopt);
}

TEST(PinBook, WhatIsUndoneNeverWas) {
  PinBook book;
  book.add(kPin, kSoon, 0);
  book.keep();
  book.remove(kPin, kSoon, 0);
  book.add(kOther, kSoon, 1);
  EXPECT_EQ(book.changes().size(), 2U);
  book.undo();
  EXPECT_TRUE(book.changes().empty());
  book.remove(kPin, kSoon, 0);
  EXPECT_EQ(only_change(book).before, kSoon);
}

TEST(PinBook, ARenewalMovesTheEnd) {
  PinBook book;
  book.add(kPin, kSoon, 0);
  book.keep();
  book.remove(kPin, kSoon, 3);
  book.add(kPin, kLate, 3);
  EXPECT_EQ(only_change(book).before, kSoon);
  EXPECT_EQ(only_change(book).after, kLate);
}

TEST(PinBook, AnUnknownDoorTakesNothingAway) {
  PinBook book;
  book.add(kPin, kSoon, 0);
  book.keep();
  book.remove(kPin, kLate, 0);
  book.remove(kOther, kSoon, 1);
  EXPECT_TRUE(book.changes().empty());
}

}  // namespace
}  // namespace postern::nftables
