// SPDX-License-Identifier: MIT
// Under which numbers the core knows labels that have rules.
#include <doctest/doctest.h>

#include "daemon/labels.hpp"

using namespace jobmill;
using core::LabelId;
using daemon::Labels;
using daemon::LabelSettings;

namespace {

const std::vector<bool> nobody;

LabelSettings bounded(const std::string& name)
{
    return {.name = name, .max_running = 1};
}

LabelSettings free_again(const std::string& name)
{
    return {.name = name};
}

}  // namespace

TEST_CASE("a label with rules has a number, and keeps it when they change")
{
    Labels labels;
    CHECK(labels.find("a") == LabelId{0});
    const Labels::Entry made = labels.set(bounded("a"), nobody);
    CHECK(made.is_new);
    CHECK(labels.find("a") == LabelId{1});
    const Labels::Entry changed = labels.set({.name = "a", .weight = 7}, nobody);
    CHECK_FALSE(changed.is_new);
    CHECK(changed.id == LabelId{1});
    CHECK(labels.settings("a")->weight == 7);
    CHECK(labels.set(bounded("b"), nobody).id == LabelId{2});
}

TEST_CASE("a label without rules is none that has some")
{
    Labels labels;
    CHECK(labels.set(free_again("a"), nobody).id == LabelId{0});
    CHECK(labels.size() == 0);
    labels.set(bounded("a"), nobody);
    const Labels::Entry gone = labels.set(free_again("a"), nobody);
    CHECK(gone.id == LabelId{1});  // the core has to be told of it
    CHECK(Labels::event_of(gone).max_running == core::no_bound);
    CHECK(labels.size() == 0);
    CHECK(labels.all().empty());
    CHECK(labels.settings("a") == nullptr);
    CHECK(labels.find("a") == LabelId{0});
}

TEST_CASE("a label's number is another's once no job has it")
{
    Labels labels;
    labels.set(bounded("a"), nobody);
    labels.set(bounded("b"), nobody);
    labels.set(free_again("a"), nobody);
    CHECK(labels.set(bounded("c"), {true, true}).id == LabelId{3});
    CHECK(labels.set(bounded("d"), {true, false, true}).id == LabelId{1});
    CHECK(labels.set(bounded("e"), nobody).id == LabelId{4});
}

TEST_CASE("a label that has rules again is as a new one")
{
    Labels labels;
    labels.set(bounded("a"), nobody);
    labels.set(free_again("a"), nobody);
    const Labels::Entry again = labels.set(bounded("a"), {false, true});
    CHECK(again.is_new);
    CHECK(again.id == LabelId{2});
}

TEST_CASE("names come and go without end, and numbers do not")
{
    Labels labels;
    for (int i = 0; i < 1000; ++i) {
        const std::string name = std::to_string(i);
        CHECK(labels.set(bounded(name), nobody).id == LabelId{1});
        labels.set(free_again(name), nobody);
    }
}
