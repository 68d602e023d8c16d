// SPDX-License-Identifier: MIT
#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

namespace {

std::string text(const char* name, std::uint64_t value)
{
    return std::string{" "} + name + " " + std::to_string(value);
}

std::string text(const char* name, bool value)
{
    return value ? std::string{" "} + name : std::string{};
}

std::string text(const char* name, std::optional<TimePoint> value)
{
    return value ? std::string{" "} + name + " at " +
                       std::to_string(value->time_since_epoch().count())
                 : std::string{};
}

std::string describe(const PretendWorker& worker)
{
    std::string line =
        "  w" + std::to_string(number(worker.id.slot)) + "." +
        std::to_string(worker.id.generation) + text("pool", std::uint64_t{number(worker.pool)}) +
        text("asked", worker.life == PretendWorker::Life::asked) +
        text("dead", worker.life == PretendWorker::Life::dead) +
        text("forked", worker.forked_told) + text("ready", worker.hello_told) +
        text("frozen", worker.frozen) + text("stubborn", worker.stubborn) +
        text("unkillable", worker.unkillable) + text("hostile", worker.hostile) +
        text("worn", worker.worn) + text("spoilt", worker.spoilt) +
        text("flagged", worker.flagged_at) + text("terminated", worker.terminated_at) +
        text("dismissed", worker.dismissed_at) + text("killed", worker.killed_at) +
        text("condemned", worker.condemned) + text("exited", worker.exit_told) +
        text("runs", number(worker.current)) + text("begun", number(worker.begun_told));
    for (const PretendWorker::Offer& offer : worker.held) {
        line += " #" + std::to_string(number(offer.sequence)) + "=job" +
                std::to_string(number(offer.job)) + (offer.asked_back ? "?" : "");
    }
    return line + "\n";
}

}  // namespace

std::string FakeWorld::summary() const
{
    std::string lines = "at " + std::to_string(now_.time_since_epoch().count()) +
                        text("memory low", memory_low_) + text("stopping", stop_asked_) +
                        text("working", working_) + text("cap", std::uint64_t{cap_}) + "\n";
    for (const SessionId session : behind_) {
        lines += "session" + std::to_string(number(session)) + " is behind\n";
    }
    for (const PretendPool& pool : pools_) {
        lines +=
            "pool" + std::to_string(number(pool.id)) + text("gone", pool.gone) +
            text("retired", pool.retired) + text("template", pool.told_ready) +
            text("degraded", pool.degraded) + text("workers", std::uint64_t{pool.workers}) +
            text("depth", std::uint64_t{pool.depth}) + text("kept", std::uint64_t{pool.kept()}) +
            text("allowed", pool.allowed()) + text("surplus", std::uint64_t{pool.counts.surplus}) +
            text("condemned", std::uint64_t{pool.condemned}) + text("waiting", pool.waiting) +
            text("queued", std::uint64_t{pool.queue.size()}) + text("held", pool.held) +
            text("lending", pool.lending) + text("crashes", std::uint64_t{pool.crashes.size()}) +
            text("lent", std::uint64_t{pool.counts.lent}) +
            text("cap", std::uint64_t{pool.terms.max_running}) + "\n";
    }
    for (const auto& worker : workers_) {
        lines += describe(*worker);
    }
    for (std::size_t i = 1; i < labels_.size(); ++i) {
        if (labels_[i].max_running != core::no_bound) {
            lines += "label" + std::to_string(i) +
                     text("cap", std::uint64_t{labels_[i].max_running}) +
                     text("running", std::uint64_t{labels_[i].running}) + "\n";
        }
    }
    return lines;
}

}  // namespace jobmill::sim
