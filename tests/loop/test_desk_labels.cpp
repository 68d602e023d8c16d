// SPDX-License-Identifier: MIT
// Jobs that are there when their labels get rules.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

struct Fixture : DeskFixture {
    void submit_of(std::uint64_t tag, std::string_view label)
    {
        Submit submit = tests::submit(tag);
        submit.options.label = label;
        peer.send(submit);
        CHECK(heard_by(peer).size() == 1);
    }
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint32_t>> relabelled() const
    {
        std::vector<std::pair<std::uint64_t, std::uint32_t>> list;
        for (const core::JobRelabelled& each : told<core::JobRelabelled>()) {
            list.emplace_back(number(each.job), number(each.label));
        }
        return list;
    }

    Peer& peer = connect_binary();
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "the jobs of labels that get rules are told by age, all before the rules")
{
    submit_of(1, "red");
    submit_of(2, "blue");
    submit_of(3, "green");
    submit_of(4, "red");
    submit_of(5, "");
    bool ruled = false;
    on_event = [&](const core::Event& event) {
        ruled = ruled || std::holds_alternative<core::LabelAdjusted>(event);
        CHECK_FALSE((ruled && std::holds_alternative<core::JobRelabelled>(event)));
    };
    desk.set_labels({{.name = "red", .max_running = 1}, {.name = "blue", .weight = 7}});
    CHECK(relabelled() ==
          std::vector<std::pair<std::uint64_t, std::uint32_t>>{{101, 1}, {102, 2}, {104, 1}});
    CHECK(told<core::LabelAdjusted>().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "the jobs of a label whose rules change are not told again")
{
    desk.set_labels({{.name = "red", .max_running = 1}});
    submit_of(1, "red");
    desk.set_labels({{.name = "red", .max_running = 2}, {.name = "gone"}});
    CHECK(relabelled().empty());
    const auto rules = told<core::LabelAdjusted>();
    REQUIRE(rules.size() == 2);
    CHECK(rules.back().label == core::LabelId{1});
    CHECK(rules.back().max_running == 2);
    CHECK(told<core::JobSubmitted>().back().label == core::LabelId{1});
}
