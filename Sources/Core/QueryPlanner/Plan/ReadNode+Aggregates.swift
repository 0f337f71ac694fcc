// SPDX-License-Identifier: Apache-2.0

extension ReadNode {
    func refuseAggregates(unless enabled: Bool) throws(PlannerFailure) {
        guard !enabled else { return }
        var found = false
        visit { node in found = found || node.select.contains { $0.aggregate != nil } }
        if found { throw .aggregatesDisabled }
    }

    /// An aggregate in a to-one spread would see one row. It moves up to the node whose rows it is
    /// to gather: the first one above that is no spread.
    mutating func hoistAggregates() {
        _ = hoistedAggregates()
    }

    private mutating func hoistedAggregates() -> [HoistedAggregate] {
        var fromChildren: [HoistedAggregate] = []
        for index in children.indices { fromChildren += children[index].hoistedAggregates() }
        let isToOneSpread = spread == .toOne
        var hoisted: [HoistedAggregate] = []
        if isToOneSpread, depth > 0 {
            hoisted = takeAggregates()
            hoisted += fromChildren.map { $0.passed(through: internalName) }
        } else if !children.isEmpty {
            for index in embeds.indices { embeds[index].apply(fromChildren) }
        }
        return hoisted
    }

    private mutating func takeAggregates() -> [HoistedAggregate] {
        var taken: [HoistedAggregate] = []
        for index in select.indices {
            guard let aggregate = select[index].aggregate else { continue }
            taken.append(
                HoistedAggregate(
                    internalName: internalName,
                    field: select[index].alias ?? select[index].field.name,
                    aggregate: aggregate,
                    cast: select[index].aggregateCast,
                    alias: select[index].alias
                )
            )
            select[index].aggregate = nil
            select[index].aggregateCast = nil
        }
        return taken
    }

    /// What a to-many spread is ordered by is aggregated along with it, so it must be selected as
    /// well.
    mutating func moveSpreadOrders() throws(PlannerFailure) {
        if spread?.isToMany == true {
            let selectsAggregate = select.contains { $0.aggregate != nil }
            guard !selectsAggregate, !embeds.contains(where: \.hasAggregate) else {
                throw .aggregatesInToManySpread
            }
            var extra: [Spread.ExtraSelection] = []
            var spreadOrder: [PlannedOrder] = []
            for (index, term) in order.enumerated() {
                // Numbered: two terms can be of one name.
                let alias = "\(internalName)_\(term.field.name)_\(index + 1)"
                extra.append(
                    Spread.ExtraSelection(
                        relation: term.relation,
                        selection: PlannedSelection(field: term.field, alias: alias)
                    )
                )
                spreadOrder.append(
                    PlannedOrder(
                        field: PlannedField(name: alias),
                        direction: term.direction,
                        nulls: term.nulls
                    )
                )
            }
            spread = .toMany(extra: extra, order: spreadOrder)
            order = []
        }
        for index in children.indices { try children[index].moveSpreadOrders() }
    }
}

/// An aggregate on its way up.
private struct HoistedAggregate {
    var internalName: String
    let field: String
    let aggregate: Aggregate
    let cast: String?
    let alias: String?

    func passed(through name: String) -> Self {
        var passed = self
        passed.internalName = name
        return passed
    }
}

extension EmbedSelection {
    fileprivate mutating func apply(_ aggregates: [HoistedAggregate]) {
        guard case .spread(var selections, let internalName) = self else { return }
        for index in selections.indices {
            let found = aggregates.first {
                $0.internalName == internalName && $0.field == selections[index].name
            }
            guard let found else { continue }
            selections[index].aggregate = found.aggregate
            selections[index].aggregateCast = found.cast
            selections[index].alias = found.alias
        }
        self = .spread(selections, internalName: internalName)
    }

    var hasAggregate: Bool {
        guard case .spread(let selections, _) = self else { return false }
        return selections.contains { $0.aggregate != nil }
    }
}
