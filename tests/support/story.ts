import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { randomIds } from '#base/ids'
import { platformActor, type Actor, type Edge, type Fact } from '#ledger'
import { openSqlStore } from '#stores/sql/index'

/** Facts that one part of the platform writes together. */
export interface Moment {
  readonly actor: Actor
  readonly facts: readonly Fact[]
}

const USER: Actor = { kind: 'user', id: 'local' }
const POLICY = platformActor('policy:keep-fresh')
const SERVER = platformActor('server')
const PROJECT = 'flights'
const DATA = 'data/flights'
const MODEL = 'flights-late'
const ENDPOINT = 'flights-late'
const DAY_MS = 86_400_000
const STORY_MS = 6 * 60_000

/**
 * Writes the ledger of a year of flights into a home that no server has open: what the loop tells of its
 * life, without living it. `months` cuts the year short; the last fact is written at `endMs`.
 */
export async function writeStory(
  home: string,
  { endMs = Date.now(), months = 10 }: { endMs?: number; months?: number } = {},
): Promise<{ entries: number }> {
  const moments = storyOfFlights(months)
  let nowMs = endMs - STORY_MS
  const clock = { nowMs: () => Math.round(nowMs) }
  const store = await openSqlStore(join(home, 'orrery.db'), { clock, ids: randomIds })
  await store.transact(async ({ ledger }) => {
    for (const { actor, facts } of moments) {
      nowMs += STORY_MS / moments.length
      await ledger.append(actor, facts)
    }
  })
  const entries = await store.read.ledger.size()
  await store.close()
  return { entries }
}

/** Every moment of the year, in order. The same each time: its chance comes from a seed. */
export function storyOfFlights(months = 10): Moment[] {
  const teller = createTeller()
  return [...opening(teller), ...year(teller, months)]
}

interface Teller {
  champion: number
  versions: number
  pipelineRuns: number
  readonly random: () => number
}

function createTeller(): Teller {
  let seed = 20_130_301
  return {
    champion: 1,
    versions: 0,
    pipelineRuns: 0,
    random: () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed / 2 ** 32
    },
  }
}

function opening(teller: Teller): Moment[] {
  return [
    { actor: USER, facts: [{ type: 'project-added', data: projectAt(2) }, datasetAdded(2)] },
    ...pipelineRun(teller, { month: 2, cause: null }),
    ...promotion(teller, { version: 1, replaced: null, accepted: true, policyRun: null }),
    {
      actor: USER,
      facts: [
        {
          type: 'endpoint-declared',
          data: {
            endpoint: ENDPOINT,
            project: PROJECT,
            model: `models:/${MODEL}@champion`,
            shadows: [`models:/${MODEL}/1`],
            monitor: {
              window: { size: '1d', by: 'time_hour' },
              key: 'flight_id',
              label: 'late',
              settle: '1d',
              min_samples: 100,
              drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
              performance: { metric: 'roc_auc', min: 0.66, persistence: { windows: 3, of: 5 } },
            },
          },
        },
      ],
    },
    rollout(1, null),
  ]
}

/** The retrainings that the year holds: on which day, why, and what became of the candidate. */
const RETRAININGS: Readonly<Record<string, { cause: 'drift' | 'performance'; better: boolean }>> = {
  '2013-03-12': { cause: 'drift', better: true },
  '2013-04-18': { cause: 'drift', better: true },
  '2013-05-24': { cause: 'performance', better: false },
  '2013-06-21': { cause: 'drift', better: true },
  '2013-08-02': { cause: 'drift', better: true },
  '2013-09-15': { cause: 'performance', better: false },
  '2013-10-27': { cause: 'drift', better: true },
  '2013-12-09': { cause: 'performance', better: false },
}

function year(teller: Teller, months: number): Moment[] {
  const moments: Moment[] = []
  const end = Date.UTC(2013, 2 + months, 1)
  let sinceTraining = 0
  let alertOpen = false
  for (let start = Date.UTC(2013, 2, 1); start < end; start += DAY_MS) {
    const day = new Date(start).toISOString().slice(0, 10)
    const drift = driftOn(teller, sinceTraining)
    moments.push(...windowOf(teller, { start, drift, sinceTraining }))
    sinceTraining += 1
    const retraining = RETRAININGS[day]
    if (retraining !== undefined) {
      alertOpen = true
      moments.push(...retrained(teller, { start, ...retraining }))
      if (retraining.better) sinceTraining = 0
    } else if (alertOpen && sinceTraining > 6) {
      alertOpen = false
      moments.push({ actor: SERVER, facts: [alert('alert-cleared', 'drift', start)] })
    }
    const next = new Date(start + DAY_MS)
    if (next.getUTCDate() === 1) moments.push(...newMonth(next.getUTCMonth() || 12))
  }
  return moments
}

function driftOn(teller: Teller, sinceTraining: number): number {
  const raw = 0.06 + sinceTraining * 0.0085 + (teller.random() - 0.5) * 0.12
  return Math.round(Math.min(0.72, Math.max(0, raw)) * 13) / 13
}

const FEATURES = ['temp', 'dewp', 'humid', 'pressure', 'wind_speed', 'prediction', 'hour', 'visib']

function windowOf(
  teller: Teller,
  { start, drift, sinceTraining }: { start: number; drift: number; sinceTraining: number },
): Moment[] {
  const { random } = teller
  const predictions = Math.round(930 + (random() - 0.5) * 160)
  const labels = Math.round(predictions * (0.965 + random() * 0.025))
  const auc = 0.708 - sinceTraining * 0.0007 + (random() - 0.5) * 0.045
  const half = 0.021 + random() * 0.009
  const drifted = FEATURES.slice(0, Math.round(drift * 13)).map((feature, rank) => ({
    feature,
    statistic: 'psi',
    value: round(0.42 * 0.78 ** rank + random() * 0.05),
  }))
  const told = {
    endpoint: ENDPOINT,
    start: new Date(start).toISOString(),
    end: new Date(start + DAY_MS).toISOString(),
    predictions,
    driftShare: round(drift),
    drifted,
  }
  const edges: Edge[] = [
    {
      from: { kind: 'window', id: `${ENDPOINT}/${told.start}` },
      relation: 'of',
      to: { kind: 'endpoint', id: ENDPOINT },
    },
  ]
  const fact = (data: Fact['data']): Fact => ({
    type: 'window-evaluated',
    data: { ...told, ...data },
    edges,
    eventMs: start + DAY_MS,
  })
  const settled = { auc: round(auc), ciLow: round(auc - half), ciHigh: round(auc + half) }
  return [
    {
      actor: SERVER,
      facts: [fact({ state: 'provisional', labels: 0, auc: null, ciLow: null, ciHigh: null })],
    },
    { actor: SERVER, facts: [fact({ state: 'settled', labels, ...settled })] },
  ]
}

function retrained(
  teller: Teller,
  { start, cause, better }: { start: number; cause: 'drift' | 'performance'; better: boolean },
): Moment[] {
  const policyRun = ulidOf(`policy run ${start}`)
  const eventMs = start + DAY_MS
  const found: Fact =
    cause === 'drift'
      ? {
          type: 'drift-detected',
          data: {
            endpoint: ENDPOINT,
            window: `${ENDPOINT}/${new Date(start).toISOString()}`,
            share: 0.4615,
            features: FEATURES.slice(0, 6),
          },
          eventMs,
        }
      : {
          type: 'performance-fell',
          data: {
            endpoint: ENDPOINT,
            window: `${ENDPOINT}/${new Date(start).toISOString()}`,
            metric: 'roc_auc',
            value: 0.6493,
            min: 0.66,
          },
          eventMs,
        }
  const month = new Date(start).getUTCMonth()
  const version = teller.versions + 1
  const decided = promotion(teller, {
    version,
    replaced: teller.champion,
    accepted: better,
    policyRun,
    eventMs,
  })
  const before = teller.champion
  if (better) teller.champion = version
  return [
    { actor: SERVER, facts: [found, alert('alert-raised', cause, start)] },
    {
      actor: POLICY,
      facts: [
        {
          type: 'policy-fired',
          data: {
            policy: 'keep-fresh',
            policyRun,
            endpoint: ENDPOINT,
            on: found.type,
            run: 'train',
          },
          edges: [
            {
              from: { kind: 'policy-run', id: policyRun },
              relation: 'caused-by',
              to: { kind: 'window', id: `${ENDPOINT}/${new Date(start).toISOString()}` },
            },
          ],
          eventMs,
        },
      ],
    },
    ...pipelineRun(teller, { month, cause: policyRun }),
    ...decided,
    ...(better ? [rollout(version, before, eventMs)] : []),
  ]
}

function pipelineRun(
  teller: Teller,
  { month, cause }: { month: number; cause: string | null },
): Moment[] {
  const actor = cause === null ? USER : POLICY
  const id = ulidOf(`pipeline run ${++teller.pipelineRuns}`)
  const version = ++teller.versions
  const commit = shaOf(`commit ${month}`).slice(0, 40)
  const metrics: Readonly<Record<string, Record<string, number>>> = {
    prepare: { rows: 50_000 + month * 27_000 },
    train: { roc_auc: round(0.79 + teller.random() * 0.03) },
    evaluate: { roc_auc: round(0.695 + teller.random() * 0.02), log_loss: round(0.48) },
  }
  return [
    {
      actor,
      facts: [
        {
          type: 'pipeline-run-started',
          data: {
            pipelineRun: id,
            project: PROJECT,
            commit,
            dirty: false,
            branch: 'main',
            stages: ['prepare', 'train', 'evaluate'],
            cause,
          },
          edges: [
            {
              from: { kind: 'pipeline-run', id },
              relation: 'at',
              to: { kind: 'commit', id: commit },
            },
            ...(cause === null
              ? []
              : [
                  {
                    from: { kind: 'pipeline-run' as const, id },
                    relation: 'started-by',
                    to: { kind: 'policy-run' as const, id: cause },
                  },
                ]),
          ],
        },
      ],
    },
    ...['prepare', 'train', 'evaluate'].flatMap((stage) =>
      stageRun({ actor, pipelineRun: id, stage, version, metrics: metrics[stage] ?? {} }),
    ),
    {
      actor,
      facts: [
        {
          type: 'pipeline-run-finished',
          data: {
            pipelineRun: id,
            outcome: 'succeeded',
            reason: null,
            lockDigest: shaOf(`lock ${id}`),
          },
        },
      ],
    },
  ]
}

function stageRun(told: {
  actor: Actor
  pipelineRun: string
  stage: string
  version: number
  metrics: Record<string, number>
}): Moment[] {
  const { actor, pipelineRun: id, stage, version, metrics } = told
  const run = shaOf(`${id} ${stage}`).slice(0, 32)
  const names = { pipelineRun: id, stage, run }
  const started: Fact = {
    type: 'stage-run-started',
    data: { ...names, params: { seed: 1 }, deps: [DATA] },
    edges: [
      { from: { kind: 'run', id: run }, relation: 'stage-of', to: { kind: 'pipeline-run', id } },
    ],
  }
  const registered: Fact = {
    type: 'model-version-registered',
    data: {
      model: MODEL,
      version,
      run,
      loggedModel: `m-${shaOf(run).slice(0, 32)}`,
      digest: shaOf(`model ${version}`),
      signature: true,
    },
    edges: [
      {
        from: { kind: 'model-version', id: `${MODEL}/${version}` },
        relation: 'logged-by',
        to: { kind: 'run', id: run },
      },
    ],
  }
  return [
    { actor, facts: [started] },
    { actor, facts: stage === 'train' ? [registered] : [] },
    {
      actor,
      facts: [
        { type: 'run-ended', data: { run, status: 'FINISHED', metrics } },
        {
          type: 'stage-run-finished',
          data: { ...names, outcome: 'succeeded', reason: null, outs: [], metrics },
        },
      ],
    },
  ].filter(({ facts }) => facts.length > 0)
}

function promotion(
  teller: Teller,
  told: {
    version: number
    replaced: number | null
    accepted: boolean
    policyRun: string | null
    eventMs?: number
  },
): Moment[] {
  const { version, replaced, accepted, policyRun } = told
  const id = ulidOf(`promotion ${version}`)
  const names = { promotion: id, model: MODEL, version, alias: 'champion' }
  const event = told.eventMs === undefined ? {} : { eventMs: told.eventMs }
  const actor = policyRun === null ? USER : POLICY
  const champion = 0.664 + teller.random() * 0.012
  const gain = accepted ? 0.012 + teller.random() * 0.01 : -0.001 + teller.random() * 0.004
  const confidence = accepted ? 0.97 + teller.random() * 0.029 : 0.55 + teller.random() * 0.2
  const reason =
    replaced === null
      ? 'nothing has the alias champion yet, so there is nothing to compare with'
      : `roc_auc ${(champion + gain).toFixed(4)} against ${champion.toFixed(4)} on 6214 labelled predictions that neither has seen: better by more than 0 with ${(confidence * 100).toFixed(1)} % confidence, 95.0 % is asked for`
  const check = (name: string, data: Fact['data']): Fact => ({
    type: 'check-finished',
    data: { promotion: id, check: name, passed: true, evidence: {}, ...data },
    ...event,
  })
  const comparison =
    replaced === null
      ? {}
      : {
          rows: 6214,
          metric: 'roc_auc',
          candidate: round(champion + gain),
          champion: round(champion),
          difference: round(gain),
          ciLow: round(gain - 0.009),
          ciHigh: round(gain + 0.009),
          confidence: round(confidence),
          asked: 0.95,
        }
  return [
    {
      actor,
      facts: [
        {
          type: 'promotion-requested',
          data: { ...names, replaced },
          edges:
            policyRun === null
              ? []
              : [
                  {
                    from: { kind: 'promotion', id },
                    relation: 'asked-for-by',
                    to: { kind: 'policy-run', id: policyRun },
                  },
                ],
          ...event,
        },
      ],
    },
    {
      actor,
      facts: [
        check('signature', { reason: 'the model states its inputs and outputs' }),
        check('metric roc_auc', {
          reason: 'roc_auc is 0.7012; it must be at least 0.6',
          evidence: { name: 'roc_auc', value: 0.7012, min: 0.6, max: null },
        }),
        check('better than champion', { passed: accepted, reason, evidence: comparison }),
        {
          type: accepted ? 'promotion-accepted' : 'promotion-refused',
          data: { ...names, replaced, reasons: accepted ? [] : [reason] },
          ...event,
        },
        ...(accepted ? [aliasMoved({ version, from: replaced, promotion: id, ...event })] : []),
      ],
    },
  ]
}

function aliasMoved(told: {
  version: number
  from: number | null
  promotion: string
  eventMs?: number
}): Fact {
  const { eventMs, ...data } = told
  return {
    type: 'model-alias-moved',
    data: { model: MODEL, alias: 'champion', ...data },
    ...(eventMs === undefined ? {} : { eventMs }),
  }
}

function rollout(version: number, from: number | null, eventMs?: number): Moment {
  const modelVersion = `${MODEL}/${version}`
  const event = eventMs === undefined ? {} : { eventMs }
  return {
    actor: SERVER,
    facts: [
      {
        type: 'revision-created',
        data: {
          endpoint: ENDPOINT,
          revision: version,
          modelVersion,
          digest: shaOf(`model ${version}`),
        },
        edges: [
          {
            from: { kind: 'revision', id: `${ENDPOINT}/${version}` },
            relation: 'serves',
            to: { kind: 'model-version', id: modelVersion },
          },
        ],
        ...event,
      },
      {
        type: 'rollout-completed',
        data: { endpoint: ENDPOINT, revision: version, from, modelVersion },
        ...event,
      },
    ],
  }
}

function alert(type: string, kind: string, start: number): Fact {
  return {
    type,
    data: {
      endpoint: ENDPOINT,
      kind,
      window: `${ENDPOINT}/${new Date(start).toISOString()}`,
      detail:
        kind === 'drift'
          ? '6 of 13 features drifted in 3 of the last 5 windows'
          : 'roc_auc was below 0.66 in 3 of the last 5 windows',
    },
    eventMs: start + DAY_MS,
  }
}

function newMonth(month: number): Moment[] {
  const added = datasetAdded(month)
  const sealed: Fact = {
    type: 'prediction-segment-sealed',
    data: {
      endpoint: ENDPOINT,
      rows: 27_900 + month * 37,
      digest: shaOf(`segment ${month}`),
      fromMs: Date.UTC(2013, month - 1, 1),
      toMs: Date.UTC(2013, month, 1),
    },
  }
  return [
    { actor: USER, facts: [{ type: 'project-synced', data: projectAt(month) }, added] },
    { actor: SERVER, facts: [sealed] },
  ]
}

function projectAt(month: number): Fact['data'] {
  return {
    project: PROJECT,
    commit: shaOf(`commit ${month}`).slice(0, 40),
    branch: 'main',
    endpoints: [ENDPOINT],
    policies: ['keep-fresh'],
  }
}

function datasetAdded(month: number): Fact {
  const md5 = `${createHash('md5').update(`data ${month}`).digest('hex')}.dir`
  return {
    type: 'dataset-version-added',
    data: { project: PROJECT, path: DATA, md5, sizeBytes: 740_000 * month, files: month },
    edges: [
      {
        from: { kind: 'dataset-version', id: `${PROJECT}/${DATA}@${md5}` },
        relation: 'versioned-in',
        to: { kind: 'commit', id: shaOf(`commit ${month}`).slice(0, 40) },
      },
    ],
  }
}

function shaOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function ulidOf(text: string): string {
  return `01K${shaOf(text).slice(0, 23).toUpperCase()}`
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
