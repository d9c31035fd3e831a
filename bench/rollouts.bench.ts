import { latencyBin, type RevisionPulse } from '#inference'
import { looked, newRollout, sharesOf, type Guard, type Rollout } from '#rollouts'
import { chanceOf, type Chance } from '../tests/support/random.ts'
import { quantile, tell } from './figures.ts'

// Ten thousand rollouts of each kind, decided by the code of the server: 5 %, 25 % and 100 % of 300 requests a look,
// ten looks a step. The peer is what people write first: the same moments, and back as soon as more than the limit of
// the new revision's requests were bad, of 100 or more; against the old one, as soon as it has the greater share of them.

const ROLLOUTS = Number(process.env['ORRERY_BENCH_ROLLOUTS'] ?? 10_000)
const REQUESTS = 300
const LOOKS_PER_STEP = 10
const LOOK_MS = 1000
const SAMPLES_MIN = 100
const LIMIT = 0.01
const LIMIT_MS = 50

const [FAST, SLOW] = [latencyBin(5), latencyBin(2 * LIMIT_MS)]

interface Case {
  readonly what: string
  readonly kind: 'good' | 'bad'
  readonly guards: readonly Guard[]
  /** Rates at which requests fail, or take longer than the limit. */
  readonly fresh: number
  readonly old: number
}

const ERRORS: Guard = { kind: 'errors', max: LIMIT, overOld: null }
const OVER_OLD: Guard = { kind: 'errors', max: null, overOld: 0 }
const BOTH: Guard = { kind: 'errors', max: LIMIT, overOld: LIMIT }
const P99: Guard = { kind: 'latency', quantile: 0.99, maxMs: LIMIT_MS, timesOld: null }
const ALL: Guard[] = [BOTH, P99, { kind: 'drift', max: 0.05 }]

const CASES: readonly Case[] = [
  { what: 'A/A, errors 0.5 %', kind: 'good', guards: [ERRORS], fresh: 0.005, old: 0.005 },
  { what: 'A/A, errors at the limit', kind: 'good', guards: [ERRORS], fresh: 0.01, old: 0.01 },
  { what: 'A/A, p99 at the limit', kind: 'good', guards: [P99], fresh: 0.01, old: 0.01 },
  {
    what: 'A/A, 5 % against the old one',
    kind: 'good',
    guards: [OVER_OLD],
    fresh: 0.05,
    old: 0.05,
  },
  { what: 'A/A, three guards', kind: 'good', guards: ALL, fresh: 0.005, old: 0.005 },
  { what: 'errors 2 %', kind: 'bad', guards: [ERRORS], fresh: 0.02, old: 0.005 },
  { what: 'errors 5 %', kind: 'bad', guards: [ERRORS], fresh: 0.05, old: 0.005 },
  { what: 'errors 20 %', kind: 'bad', guards: [ERRORS], fresh: 0.2, old: 0.005 },
  { what: 'errors 20 %, three guards', kind: 'bad', guards: ALL, fresh: 0.2, old: 0.005 },
  { what: 'slower than p99 in 3 %', kind: 'bad', guards: [P99], fresh: 0.03, old: 0.005 },
]

for (const [seed, each] of CASES.entries()) compare(each, chanceOf(seed + 1))

function compare(tried: Case, chance: Chance): void {
  const ours: number[] = []
  const theirs: number[] = []
  for (let at = 0; at < ROLLOUTS; at++) {
    const { sequential, threshold } = rolledOut(tried, chance)
    ours.push(sequential)
    theirs.push(threshold)
  }
  const rolledBack = (looks: readonly number[]) =>
    (100 * looks.filter((look) => look < Infinity).length) / ROLLOUTS
  const figure = { orrery: rolledBack(ours), peer: rolledBack(theirs), unit: '%' }
  const peerName = 'threshold'
  if (tried.kind === 'good') {
    tell({ what: `false rollbacks, ${tried.what}`, ...figure, peerName, better: 'lower' })
    return
  }
  tell({ what: `found, ${tried.what}`, ...figure, peerName, better: 'higher' })
  const requests = (looks: readonly number[], share: number) => quantile(looks, share) * REQUESTS
  for (const [name, share] of [
    ['median', 0.5],
    ['90 % of them', 0.9],
  ] as const)
    tell({
      what: `requests until found, ${name}, ${tried.what}`,
      unit: 'requests',
      orrery: requests(ours, share),
      peer: requests(theirs, share),
      peerName,
      better: 'lower',
    })
}

/** After how many looks each way of deciding takes the rollout back. */
function rolledOut(tried: Case, chance: Chance): { sequential: number; threshold: number } {
  let rollout: Rollout = newRollout(
    {
      id: 'r',
      endpoint: 'e',
      from: 1,
      to: 2,
      plan: {
        steps: [5, 25, 100],
        everyMs: LOOKS_PER_STEP * LOOK_MS,
        minSamples: 0,
        guards: tried.guards,
        alpha: 0.05,
        rollback: 'automatic',
      },
    },
    0,
  )
  let [sequential, threshold] = [Infinity, Infinity]
  let [bad, all, badOld, allOld] = [0, 0, 0, 0]
  const isRelative = tried.guards[0] === OVER_OLD
  for (let look = 1; look <= 3 * LOOKS_PER_STEP; look++) {
    const step = Math.floor((look - 1) / LOOKS_PER_STEP)
    const share = ([5, 25, 100][step] ?? 100) / 100
    const requests = binomial(chance, REQUESTS, share)
    const fresh = pulse(2, requests, binomial(chance, requests, tried.fresh), tried)
    const others = REQUESTS - requests
    const old = pulse(1, others, binomial(chance, others, tried.old), tried)
    all += requests
    bad += fresh.bad
    badOld += old.bad
    allOld += others
    const limit = isRelative ? badOld / allOld : LIMIT
    if (threshold === Infinity && all >= SAMPLES_MIN && bad / all > limit) threshold = look
    if (sequential === Infinity) {
      const batch = { share, fresh: fresh.seen, old: old.seen }
      rollout = looked(rollout, [batch], look * LOOK_MS).rollout
      if (rollout.state === 'rolled-back') sequential = look
      else if (rollout.state === 'running' && sharesOf(rollout).fresh < 100 * share)
        throw new Error('the rollout is not at the step that was simulated')
    }
    if (sequential < Infinity && threshold < Infinity) break
  }
  return { sequential, threshold }
}

function pulse(
  revision: number,
  requests: number,
  bad: number,
  { guards }: Case,
): { bad: number; seen: RevisionPulse } {
  const isLatency = guards[0]?.kind === 'latency'
  return {
    bad,
    seen: {
      revision,
      requests,
      faults: isLatency ? 0 : bad,
      refusals: 0,
      latencies: isLatency
        ? [
            [FAST, requests - bad],
            [SLOW, bad],
          ]
        : [[FAST, requests]],
      outcomes: [
        ['late', Math.round(requests / 4)],
        ['on time', requests - Math.round(requests / 4)],
      ],
    },
  }
}

/** How many of so many happen, by the lengths of the gaps between them. */
function binomial(chance: Chance, all: number, rate: number): number {
  if (rate >= 1) return all
  const scale = Math.log1p(-rate)
  let count = -1
  for (let at = 0; at <= all; at += 1 + Math.floor(Math.log(1 - chance.next()) / scale)) count++
  return Math.max(0, count)
}
