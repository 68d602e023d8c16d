// SPDX-License-Identifier: MIT
#include "daemon/core/lane_order.hpp"

#include "common/assert.hpp"

namespace jobmill::core {

LaneOrder::Place LaneOrder::plant(std::uint32_t tag)
{
    const Place root = take_branch();
    branches_[root].who = tag;
    return root;
}

LaneId LaneOrder::first(Place root) const
{
    const Branch* at = &branches_[root];
    while (!at->bears_lanes) {
        at = &branches_[at->below.first().subject];
    }
    return LaneId{at->below.first().subject};
}

LaneOrder::Standing LaneOrder::first_standing(Place root) const
{
    const auto& user = branches_[root].below.first();
    const auto& session = branches_[user.subject].below.first();
    return {user.key, session.key, branches_[session.subject].below.first().key};
}

void LaneOrder::add(Place root, LaneId lane, const TurnKey& key, const LaneOwners& owners)
{
    const Place user = branch_for(root, *owners.user_account, number(owners.user));
    const Place session = branch_for(user, *owners.session_account, number(owners.session));
    branches_[session].bears_lanes = true;
    if (number(lane) >= leaves_.size()) {
        leaves_.resize(std::size_t{number(lane)} + 1);
    }
    leaves_[number(lane)] = {.parent = session, .at = 0};
    lane_changed(lane, key);
}

LaneOrder::Place LaneOrder::remove(LaneId lane)
{
    const Place session = leaves_[number(lane)].parent;
    const Place root = root_of(session);
    branches_[session].below.remove(
        number(lane), [this](std::uint32_t leaf) -> std::uint32_t& { return leaves_[leaf].at; });
    if (branches_[session].below.empty()) {
        prune(session);
    }
    return root;
}

void LaneOrder::lane_changed(LaneId lane, const TurnKey& key)
{
    branches_[leaves_[number(lane)].parent].below.set(
        number(lane), key,
        [this](std::uint32_t leaf) -> std::uint32_t& { return leaves_[leaf].at; });
}

void LaneOrder::account_changed(const Account& account)
{
    for (Place at = account.branches; at != nowhere; at = branches_[at].next) {
        set_key(at, account.spent);
    }
}

void LaneOrder::lanes_of(Place branch, std::vector<LaneId>& lanes) const
{
    for (const auto& each : branches_[branch].below.all()) {
        if (branches_[branch].bears_lanes) {
            lanes.push_back(LaneId{each.subject});
        } else {
            lanes_of(each.subject, lanes);
        }
    }
}

LaneOrder::Place LaneOrder::root_of(Place branch) const
{
    while (branches_[branch].parent != nowhere) {
        branch = branches_[branch].parent;
    }
    return branch;
}

/// Its heap keeps the memory that it had before.
LaneOrder::Place LaneOrder::take_branch()
{
    if (free_.empty()) {
        branches_.emplace_back();
        return static_cast<Place>(branches_.size() - 1);
    }
    const Place branch = free_.back();
    free_.pop_back();
    return branch;
}

void LaneOrder::give_branch(Place branch)
{
    Branch& old = branches_[branch];
    JOBMILL_ASSERT(old.below.empty());
    old = Branch{.below = std::move(old.below)};
    free_.push_back(branch);
}

LaneOrder::Place LaneOrder::branch_for(Place parent, Account& account, std::uint64_t who)
{
    for (Place at = account.branches; at != nowhere; at = branches_[at].next) {
        if (branches_[at].parent == parent) {
            return at;
        }
    }
    const Place fresh = take_branch();
    Branch& branch = branches_[fresh];
    branch.account = &account;
    branch.who = who;
    branch.parent = parent;
    branch.next = account.branches;
    if (branch.next != nowhere) {
        branches_[branch.next].previous = fresh;
    }
    account.branches = fresh;
    set_key(fresh, account.spent);
    return fresh;
}

void LaneOrder::set_key(Place branch, Spent spent)
{
    branches_[branches_[branch].parent].below.set(
        branch, {.spent = spent, .who = branches_[branch].who},
        [this](Place each) -> std::uint32_t& { return branches_[each].at; });
}

void LaneOrder::prune(Place branch)
{
    while (branches_[branch].parent != nowhere && branches_[branch].below.empty()) {
        const Branch& old = branches_[branch];
        const Place parent = old.parent;
        (old.previous == nowhere ? old.account->branches : branches_[old.previous].next) = old.next;
        if (old.next != nowhere) {
            branches_[old.next].previous = old.previous;
        }
        branches_[parent].below.remove(
            branch, [this](Place each) -> std::uint32_t& { return branches_[each].at; });
        give_branch(branch);
        branch = parent;
    }
}

}  // namespace jobmill::core
