// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <tuple>
#include <vector>

#include "daemon/core/fair_shares.hpp"
#include "daemon/core/key_heap.hpp"

namespace jobmill::core {

/// By what a turn is given: what was had, and a number that decides between equals.
struct TurnKey {
    Spent spent = 0;
    std::uint64_t who = 0;
    friend bool operator<(const TurnKey& one, const TurnKey& other)
    {
        return std::tie(one.spent, one.who) < std::tie(other.spent, other.who);
    }
};

/// Whose a lane is, and since when: `opened` decides between lanes that have had the same.
struct LaneOwners {
    UserId user{};
    SessionId session{};
    UserAccount* user_account = nullptr;
    Account* session_account = nullptr;
};

/// Trees of lanes, each in the order of their turns: the user who has had least, of his sessions in
/// that tree the one that has had least, of its lanes there the one that has had least. Nobody is
/// compared with everybody: at each fork is a heap. An account knows the branches of its owner, so
/// that a change of it is carried to each tree that he is in.
class LaneOrder {
public:
    using Place = Account::Place;
    /// A user's, a session's and the lane's key: of two lanes, the lesser is first.
    using Standing = std::array<TurnKey, 3>;
    static constexpr Place nowhere = Account::nowhere;

    /// A new tree without lanes; the tag is the caller's.
    [[nodiscard]] Place plant(std::uint32_t tag);
    [[nodiscard]] std::uint32_t tag(Place root) const
    {
        return static_cast<std::uint32_t>(branches_[root].who);
    }
    /// Only an empty one.
    void fell(Place root) { give_branch(root); }
    [[nodiscard]] bool empty(Place root) const { return branches_[root].below.empty(); }
    /// Whose turn it is in that tree; there must be somebody.
    [[nodiscard]] LaneId first(Place root) const;
    [[nodiscard]] Standing first_standing(Place root) const;

    void add(Place root, LaneId lane, const TurnKey& key, const LaneOwners& owners);
    /// The tree that it was in.
    Place remove(LaneId lane);
    /// It has had another amount.
    void lane_changed(LaneId lane, const TurnKey& key);
    void account_changed(const Account& account);

    /// For each branch of that account: its tree, and the branch.
    template <typename Do>
    void each_branch(const Account& account, Do act) const
    {
        for (Place at = account.branches; at != nowhere; at = branches_[at].next) {
            act(root_of(at), at);
        }
    }
    /// What those lanes of that session's branch have had at least.
    [[nodiscard]] Spent least_of(Place session_branch) const
    {
        return branches_[session_branch].below.first().key.spent;
    }
    /// All lanes of that branch, of a user or a session, in no particular order.
    void lanes_of(Place branch, std::vector<LaneId>& lanes) const;

private:
    struct Branch {
        Account* account = nullptr;  ///< of the user or session; a tree has none
        std::uint64_t who = 0;       ///< a tree's tag
        Place parent = nowhere;
        std::uint32_t at = 0;  ///< its place in the parent's heap, plus one
        /// Neighbours among the branches of that account.
        Place previous = nowhere;
        Place next = nowhere;
        bool bears_lanes = false;
        KeyHeap<TurnKey, std::uint32_t> below;  ///< branches, or lanes
    };
    struct Leaf {
        Place parent = nowhere;
        std::uint32_t at = 0;
    };

    [[nodiscard]] Place root_of(Place branch) const;
    Place take_branch();
    void give_branch(Place branch);
    [[nodiscard]] Place branch_for(Place parent, Account& account, std::uint64_t who);
    void set_key(Place branch, Spent spent);
    /// With its parent, if that has nothing else.
    void prune(Place branch);

    std::vector<Branch> branches_;
    std::vector<Place> free_;
    std::vector<Leaf> leaves_;  ///< by lane
};

}  // namespace jobmill::core
