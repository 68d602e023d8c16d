// SPDX-License-Identifier: MIT
// Many jobs in one message: too many of them, too much, and a bad one among good ones. All are
// accepted or none is, and the session goes on.
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr std::uint64_t first = 100;

SubmitMany many_of(const std::vector<std::string>& payloads)
{
    SubmitMany many;
    many.first = Tag{first};
    many.options.handler = "sum";
    for (const std::string& payload : payloads) {
        many.payloads.push_back(bytes_of(payload));
    }
    return many;
}

/// The members of a line that says the same.
std::string line_of(const std::vector<std::string>& payloads)
{
    std::string ids;
    std::string texts;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        const std::string comma = i == 0 ? "" : ",";
        ids += comma + '"' + std::to_string(first + i) + '"';
        texts += comma + '"' + payloads[i] + '"';
    }
    return R"({"op":"submit_many","handler":"sum","ids":[)" + ids + R"(],"payloads":[)" + texts +
           "]}";
}

struct Refused {
    std::vector<std::string> payloads;
    std::int64_t limit;
};

std::vector<Refused> refused()
{
    std::vector<std::string> large_one(3, "10");
    large_one[1] = std::string(65'537, '1');
    return {
        {std::vector<std::string>(10'001, "1"), 10'000},
        {std::move(large_one), 65'536},
    };
}

/// None of them was taken, and what comes next is.
template <typename Client>
void check_nothing_came(const Daemon& daemon, Client& client, std::int64_t done)
{
    client.ping();
    CHECK(daemon.jobs() == 0);
    CHECK(daemon.pool().integer_at("done") == done);
}

}  // namespace

TEST_CASE("too many jobs at once, or one of them too large, are refused as a whole in frames")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    for (const Refused& row : refused()) {
        CAPTURE(row.payloads.size());
        client.send(many_of(row.payloads));
        const ErrorReply error = client.error(first);
        CHECK(error.code == "bad_value");
        CHECK(error.limit == row.limit);
        check_nothing_came(daemon, client, 0);
    }
    client.submit(first, "sum", "10");
    CHECK(client.result(first).payload == "55");
}

TEST_CASE("too many jobs at once, or one of them too large, are refused as a whole in a line")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (const Refused& row : refused()) {
        CAPTURE(row.payloads.size());
        client.send(line_of(row.payloads));
        const Value error = client.next("error");
        CHECK(error.text_at("code") == "bad_value");
        CHECK(error.integer_at("limit") == row.limit);
        check_nothing_came(daemon, client, 0);
    }
    client.submit("a", "sum", "10");
    CHECK(client.result("a").text_at("payload") == "55");
}

TEST_CASE("no jobs at once are refused too")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient frames = daemon.binary();
    frames.send(many_of({}));
    CHECK(frames.error(first).code == "bad_value");
    JsonClient lines = daemon.json();
    lines.send(line_of({}));
    CHECK(lines.next("error").text_at("code") == "bad_value");
    check_nothing_came(daemon, lines, 0);
}

TEST_CASE("more jobs than a line holds end the session, and none of them is run")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string line = line_of(std::vector<std::string>(5, std::string(60'000, '1')));
    client.raw().send(std::string_view{line}.substr(0, 262'144));
    CHECK(client.next("error").text_at("code") == "too_long");
    CHECK(client.rest().empty());
    CHECK(daemon.jobs() == 0);
    daemon.check_healthy();
}

TEST_CASE("a tag that is taken among good ones refuses all of them")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.submit(first + 2, "until_cancelled");
    (void)client.next(MessageType::chunk, first + 2);
    client.send(many_of({"1", "2", "3", "4"}));
    CHECK(client.error(first).code == "duplicate_id");
    client.ping();
    CHECK(daemon.jobs() == 1);
    client.send(Cancel{.tag = Tag{first + 2}});
    CHECK(client.result(first + 2).payload == "stopped");
    check_nothing_came(daemon, client, 1);
}

TEST_CASE("as many jobs as may be are taken at once")
{
    const Daemon daemon{pool_config(1, "max_jobs_per_session = 20000")};
    BinaryClient client = daemon.binary();
    client.send(many_of(std::vector<std::string>(10'000, "10")));
    for (std::uint64_t tag = first; tag < first + 10'000; ++tag) {
        REQUIRE(client.result(tag).payload == "55");
    }
}

}  // namespace jobmill::tests
