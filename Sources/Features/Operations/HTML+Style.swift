// SPDX-License-Identifier: Apache-2.0

extension HTML {
    static let style = """
        :root { color-scheme: light dark; --line: #8883; --soft: #8881; --bad: #c22 }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 78rem; margin: 1.5rem auto 4rem; \
        padding: 0 1rem }
        nav a { color: inherit; opacity: .6 } h1 { font-size: 1.35rem; margin: .3rem 0 1rem; \
        overflow-wrap: anywhere }
        h1 code { font-size: inherit } h2 { font-size: 1.05rem; margin: 1.8rem 0 .4rem }
        table { border-collapse: collapse; width: 100% } tr:hover > td { background: var(--soft) }
        th { text-align: left; font-weight: 600; opacity: .7; font-size: 13px }
        td, th { padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
        .name { width: 20rem } .number, .numbers td + td, .numbers th + th { text-align: right; \
        font-variant-numeric: tabular-nums; white-space: nowrap }
        code, .mono { font: 13px ui-monospace, monospace } .soft, dd { overflow-wrap: anywhere }
        .whole { white-space: nowrap }
        pre { font: 12px/1.5 ui-monospace, monospace; margin: .3rem 0; white-space: pre-wrap; \
        overflow-wrap: anywhere; background: var(--soft); padding: .4rem .6rem }
        summary { cursor: pointer; opacity: .75; font-size: 13px }
        .finding { color: var(--bad); margin: .2rem 0 } .soft { opacity: .65 }
        .level { font-weight: 600 } .level.warning { color: #b70 } .level.error, .level.critical, \
        .bad { color: var(--bad) } .level.debug, .level.trace { opacity: .6 }
        .catalog td:nth-child(1) { width: 26rem } .catalog td:nth-child(2) { width: 6rem } \
        .catalog td:nth-child(3) { width: 22rem }
        form { margin: 0 0 1rem } input, button { font: inherit; padding: .2rem .5rem }
        dl { display: grid; grid-template-columns: max-content 1fr max-content 1fr; \
        gap: .15rem 1rem; margin: 0 0 1rem } dt { opacity: .6 } dd { margin: 0 }
        .ledger { display: flex; height: 1.6rem; margin: .3rem 0 .5rem; border-radius: 3px; \
        overflow: hidden; gap: 1px } .ledger div { min-width: 2px }
        .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 0 0 1.5rem; \
        font-size: 13px } .legend i { display: inline-block; width: .8rem; height: .8rem; \
        border-radius: 2px; margin-right: .35rem; vertical-align: -1px }
        .facts { font-size: 13px; opacity: .8 } .facts div { overflow-wrap: anywhere }
        .time { width: 52%; padding-left: 0; padding-right: 0 } .scale { display: flex; \
        justify-content: space-between; font-weight: 400 }
        .rail { position: relative; height: 1.3rem; background: linear-gradient(to right, \
        var(--line) 1px, transparent 1px) 0 0 / 25% 100% }
        .bar { position: absolute; top: .2rem; bottom: .2rem; border-radius: 2px; min-width: 3px }
        .bar.failed { outline: 2px solid var(--bad); outline-offset: 1px }
        .parse { background: #5aa98c } .write { background: #3f8f9f } \
        .middleware { background: #a98f6f } .ratelimit { background: #8f7f6f }
        .auth { background: #d09a45 } .validate { background: #c7b24a }
        .controller { background: #5f93d0 } .service { background: #4b6fb0 }
        .pool_wait { background: #cf6a6a } .sql { background: #9467c8 }
        .serialize { background: #8db34a }
        @media (max-width: 45rem) { dl { grid-template-columns: max-content 1fr } \
        table { display: block; overflow-x: auto } .rail { min-width: 12rem } \
        .catalog th { display: none } .catalog td:nth-child(n) { display: block; width: auto; \
        border: 0; padding: 0 .6rem } .catalog tr { border-bottom: 1px solid var(--line) } }
        """
}
