// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/pool_directory.hpp"
#include "jobmill/error_code.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

HandlerEntry handler(std::string name)
{
    return HandlerEntry{.name = std::move(name), .help = "helps", .module = ""};
}

PoolDirectory two_pools()
{
    PoolDirectory pools{{"gpu", "default"}};
    pools.entry(PoolId{0}).handlers = {handler("render")};
    pools.entry(PoolId{1}).handlers = {handler("echo"), handler("sha256"), handler("sum")};
    pools.entry(PoolId{0}).state = PoolEntry::State::up;
    pools.entry(PoolId{1}).state = PoolEntry::State::up;
    return pools;
}

ErrorReply refused(std::string_view pool, std::string_view name)
{
    const auto route = two_pools().find(pool, name);
    REQUIRE_FALSE(route.has_value());
    return route.error();
}

Value listed(Array items)
{
    return Value{Map{{"handlers", Value{std::move(items)}}}};
}

Value named(std::string name)
{
    return Value{Map{{"name", Value{std::move(name)}}}};
}

}  // namespace

TEST_CASE("a handler is found by its pool and name, and has its position as a number")
{
    const PoolDirectory pools = two_pools();
    const auto route = pools.find("default", "sum");
    REQUIRE(route.has_value());
    CHECK(route->pool == PoolId{1});
    CHECK(route->handler == 2);
    CHECK(pools.find("gpu", "render").value().pool == PoolId{0});
}

TEST_CASE("a number that is out of date leads nobody astray")
{
    const PoolDirectory pools = two_pools();
    for (const unsigned number : {0U, 1U, 2U, 3U, 65535U}) {
        const auto guess = static_cast<std::uint16_t>(number);
        CHECK(pools.find("default", "sha256", guess).value().handler == 1);
        CHECK(pools.find("gpu", "render", guess).value().handler == 0);
        CHECK_FALSE(pools.find("gpu", "sha256", guess).has_value());
    }
}

TEST_CASE("no pool means the default one, wherever it stands")
{
    CHECK(two_pools().find("", "echo").value().pool == PoolId{1});
    CHECK(two_pools().find("default", "echo").value().pool == PoolId{1});
}

TEST_CASE("where there is no default pool the first configured one stands for it")
{
    PoolDirectory pools{{"gpu", "cpu"}};
    pools.entry(PoolId{0}).handlers.push_back({.name = "echo"});
    CHECK(pools.find("", "echo").value().pool == PoolId{0});
}

TEST_CASE("an unknown pool is answered with the nearest one")
{
    const ErrorReply error = refused("defualt", "echo");
    CHECK(error.code == error_code::unknown_pool);
    CHECK(error.field == "pool");
    CHECK(error.text == "no pool \"defualt\"; did you mean \"default\"?");
}

TEST_CASE("an unknown handler is answered with the nearest one of that pool")
{
    const ErrorReply error = refused("", "sha265");
    CHECK(error.code == error_code::unknown_handler);
    CHECK(error.field == "handler");
    CHECK(error.text == "no handler \"sha265\" in pool \"default\"; did you mean \"sha256\"?");
}

TEST_CASE("what resembles nothing is not explained away")
{
    CHECK(refused("", "completely-different").text ==
          "no handler \"completely-different\" in pool \"default\"");
    CHECK(refused("", "").code == error_code::unknown_handler);
    CHECK(refused("", "Echo").code == error_code::unknown_handler);
}

TEST_CASE("a pool without commands says so")
{
    CHECK(refused("", "exec").text ==
          "no handler \"exec\" in pool \"default\", which runs no commands: they would have the "
          "rights of the daemon's user");
}

TEST_CASE("a pool that is down says why")
{
    PoolDirectory pools = two_pools();
    pools.entry(PoolId{0}).state = PoolEntry::State::down;
    pools.entry(PoolId{0}).error = "libgpu.so: no such file";
    const auto route = pools.find("gpu", "render");
    REQUIRE_FALSE(route.has_value());
    CHECK(route.error().code == error_code::pool_down);
    CHECK(route.error().text == "pool \"gpu\": libgpu.so: no such file");
    CHECK(pools.find("default", "echo").has_value());
}

TEST_CASE("a pool whose template starts again still takes jobs")
{
    PoolDirectory pools = two_pools();
    pools.entry(PoolId{0}).state = PoolEntry::State::starting;
    CHECK(pools.find("gpu", "render").has_value());
}

TEST_CASE("pools are described with their handlers")
{
    const Value body = two_pools().describe();
    const Array* pools = body.find("pools")->array();
    REQUIRE(pools != nullptr);
    REQUIRE(pools->size() == 2);
    CHECK(pools->at(1).text_at("name") == "default");
    const Array* handlers = pools->at(1).find("handlers")->array();
    REQUIRE(handlers != nullptr);
    REQUIRE(handlers->size() == 3);
    CHECK(handlers->at(0).text_at("name") == "echo");
    CHECK(handlers->at(0).text_at("help") == "helps");
}

TEST_CASE("a template's list of handlers is read")
{
    const auto handlers = read_handlers(
        listed({Value{Map{{"name", "echo"}, {"help", "says it again"}, {"module", "/m.so"}}},
                named("sum")}));
    REQUIRE(handlers.has_value());
    REQUIRE(handlers->size() == 2);
    CHECK(handlers->at(0).name == "echo");
    CHECK(handlers->at(0).help == "says it again");
    CHECK(handlers->at(0).module == "/m.so");
    CHECK(handlers->at(1).help.empty());
}

TEST_CASE("a list of handlers that cannot be is refused")
{
    const Value documents[] = {
        Value{},
        Value{5},
        Value{"handlers"},
        Value{Map{}},
        Value{Array{}},
        Value{Map{{"handlers", Value{Map{}}}}},
        Value{Map{{"handlers", Value{"echo"}}}},
        listed({Value{"echo"}}),
        listed({Value{}}),
        listed({Value{Array{}}}),
        listed({Value{Map{}}}),
        listed({Value{Map{{"name", Value{5}}}}}),
        listed({named("")}),
        listed({named(std::string(limits::name + 1, 'x'))}),
        listed(Array(70'000, named("x"))),
    };
    for (const Value& document : documents) {
        const auto handlers = read_handlers(document);
        REQUIRE_FALSE(handlers.has_value());
        CHECK(handlers.error().what.starts_with("handlers: "));
    }
}

TEST_CASE("a pool may have no handlers")
{
    CHECK(read_handlers(listed({})).value().empty());
}

TEST_CASE("a template that loads again has to give every handler the number that it had")
{
    const std::vector<HandlerEntry> before{handler("a"), handler("b")};
    CHECK(same_numbers(before, {handler("a"), handler("b")}));
    CHECK_FALSE(same_numbers(before, {handler("b"), handler("a")}));
    CHECK_FALSE(same_numbers(before, {handler("a"), handler("c")}));
    CHECK_FALSE(same_numbers(before, {handler("a")}));
    CHECK_FALSE(same_numbers(before, {handler("a"), handler("b"), handler("c")}));
}
