// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/label_book.hpp"

using namespace jobmill;
using namespace jobmill::core;

TEST_CASE("a label without rules bounds nothing, and has the usual weight")
{
    LabelBook labels;
    CHECK(labels.may_run(LabelId{7}));
    CHECK(labels.weight(LabelId{7}) == 100);
    CHECK(labels.running(LabelId{7}) == 0);
    CHECK_FALSE(labels.any());
}

TEST_CASE("so many jobs of a label run as its rule says")
{
    LabelBook labels;
    labels.adjust({.label = LabelId{2}, .max_running = 2, .weight = 300});
    CHECK(labels.any());
    labels.begun(LabelId{2});
    CHECK(labels.may_run(LabelId{2}));
    labels.begun(LabelId{2});
    CHECK_FALSE(labels.may_run(LabelId{2}));
    CHECK(labels.may_run(LabelId{1}));
    labels.over(LabelId{2});
    CHECK(labels.may_run(LabelId{2}));
    CHECK(labels.running(LabelId{2}) == 1);
    CHECK(labels.weight(LabelId{2}) == 300);
}

TEST_CASE("a job that waits for its own jobs runs, and leaves its place to others")
{
    LabelBook labels;
    labels.adjust({.label = LabelId{1}, .max_running = 1});
    labels.begun(LabelId{1});
    labels.lends(LabelId{1});
    CHECK(labels.may_run(LabelId{1}));
    CHECK(labels.running(LabelId{1}) == 1);
    labels.begun(LabelId{1});
    CHECK_FALSE(labels.may_run(LabelId{1}));
    labels.goes_on(LabelId{1});
    labels.over(LabelId{1});
    CHECK_FALSE(labels.may_run(LabelId{1}));
    labels.over(LabelId{1});
    CHECK(labels.may_run(LabelId{1}));
}

TEST_CASE("a job that runs takes what it counts for to its new label")
{
    LabelBook labels;
    labels.begun(LabelId{1});
    labels.begun(LabelId{1});
    labels.lends(LabelId{1});
    labels.moved(LabelId{1}, LabelId{2}, true);
    CHECK(labels.running(LabelId{1}) == 1);
    CHECK(labels.running(LabelId{2}) == 1);
    labels.adjust({.label = LabelId{1}, .max_running = 1});
    labels.adjust({.label = LabelId{2}, .max_running = 1});
    CHECK_FALSE(labels.may_run(LabelId{1}));
    CHECK(labels.may_run(LabelId{2}));
}

TEST_CASE("another rule counts what runs already")
{
    LabelBook labels;
    labels.begun(LabelId{1});
    labels.begun(LabelId{1});
    labels.adjust({.label = LabelId{1}, .max_running = 1});
    CHECK_FALSE(labels.may_run(LabelId{1}));
    labels.over(LabelId{1});
    CHECK_FALSE(labels.may_run(LabelId{1}));
    labels.over(LabelId{1});
    CHECK(labels.may_run(LabelId{1}));
    labels.adjust({.label = LabelId{1}});
    CHECK(labels.weight(LabelId{1}) == 100);
}
