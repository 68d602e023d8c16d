// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/orphan_ledger.hpp"

using namespace jobmill::core;

namespace {

using Pids = std::vector<Pid>;

Pids sighted(OrphanLedger& ledger, const Pids& pids)
{
    return ledger.sighted(pids);
}

}  // namespace

TEST_CASE("a stranger is an orphan at once when no fork is unresolved")
{
    OrphanLedger ledger;
    CHECK(sighted(ledger, {Pid{10}}) == Pids{Pid{10}});
    ledger.fork_resolved(ledger.fork_asked());
    CHECK(sighted(ledger, {Pid{11}}) == Pids{Pid{11}});
}

TEST_CASE("a stranger is spared while it may be a worker not announced yet")
{
    OrphanLedger ledger;
    const ForkNumber fork = ledger.fork_asked();
    CHECK(sighted(ledger, {Pid{10}}).empty());
    ledger.fork_resolved(fork);
    CHECK(sighted(ledger, {Pid{10}}) == Pids{Pid{10}});
}

TEST_CASE("forks asked after the first sighting do not protect a stranger")
{
    OrphanLedger ledger;
    const ForkNumber first = ledger.fork_asked();
    CHECK(sighted(ledger, {Pid{10}}).empty());
    (void)ledger.fork_asked();
    ledger.fork_resolved(first);
    CHECK(sighted(ledger, {Pid{10}, Pid{11}}) == Pids{Pid{10}});
}

TEST_CASE("every fork asked before the sighting must be resolved, in whatever order")
{
    OrphanLedger ledger;
    const ForkNumber first = ledger.fork_asked();
    const ForkNumber second = ledger.fork_asked();
    CHECK(sighted(ledger, {Pid{10}}).empty());
    ledger.fork_resolved(second);
    CHECK(sighted(ledger, {Pid{10}}).empty());
    ledger.fork_resolved(first);
    CHECK(sighted(ledger, {Pid{10}}) == Pids{Pid{10}});
}

TEST_CASE("a pid that is not sighted any more is forgotten")
{
    OrphanLedger ledger;
    const ForkNumber first = ledger.fork_asked();
    CHECK(sighted(ledger, {Pid{10}}).empty());
    CHECK(sighted(ledger, {}).empty());
    (void)ledger.fork_asked();
    CHECK(sighted(ledger, {Pid{10}}).empty());
    ledger.fork_resolved(first);
    CHECK(sighted(ledger, {Pid{10}}).empty());
}

TEST_CASE("a pid that was reaped between two sightings is another process the second time")
{
    OrphanLedger ledger;
    const ForkNumber first = ledger.fork_asked();
    CHECK(sighted(ledger, {Pid{10}}).empty());
    ledger.reaped(Pid{10});
    (void)ledger.fork_asked();
    ledger.fork_resolved(first);
    CHECK(sighted(ledger, {Pid{10}}).empty());
}
