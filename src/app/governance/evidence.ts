import type { Evidence } from '#governance'
import type { Monitoring } from '#monitoring'
import { comparePerformance, performanceOf, type Roles } from '#performance'
import type { PipelineReads } from '#pipelines'
import type { Registry, RegistryReads } from '#registry'
import type { Replays } from '#replay'
import { platformActor } from '#ledger'
import type { Logged } from '#inference'
import type { PredictionQueries } from '#serving'
import type { Tracking } from '#tracking'
import { Problem } from '#base/problem'

interface Parts {
  registry: Registry
  registryReads: RegistryReads
  pipelines: PipelineReads
  tracking: Tracking
  replays: Pick<Replays, 'perform'>
  queries: Pick<PredictionQueries, 'watermark'>
  labelledRows: Monitoring['labelledRows']
  /** The endpoint that serves a model, if one does. */
  endpointOf: (model: string) => Promise<string | undefined>
  /** Event time of the newest row that a version was trained on; null when that is not known. */
  trainedUntil: (model: string, version: number) => Promise<number | null>
  /** Why a version cannot be loaded, if it cannot. */
  fault: (model: string, version: number) => Promise<string | undefined>
  /** What a version answers to each row. */
  answers: (
    model: string,
    version: number,
    rows: readonly Readonly<Record<string, Logged>>[],
  ) => Promise<readonly Readonly<Record<string, Logged>>[]>
  /** How the answers of an endpoint are read. */
  roles: (endpoint: string) => Promise<Roles>
}

/** What promotions are judged by, from the parts that know it. */
export function promotionEvidence(parts: Parts): Evidence {
  const { registry, registryReads, pipelines, tracking } = parts

  const runsOf = async (model: string, version: number): Promise<string[]> => {
    const { runId } = await registry.versions.get(model, version)
    if (runId === null) return []
    const stage = await pipelines.stageOf(runId)
    if (stage === undefined) return [runId]
    const stages = await pipelines.stages(stage.pipelineRun)
    return stages.flatMap(({ run }) => (run === null ? [] : [run]))
  }

  return {
    current: async (model, alias) =>
      (await registryReads.findVersionByAlias(model, alias))?.version,
    fault: async (model, version) =>
      (await parts.endpointOf(model)) === undefined ? undefined : parts.fault(model, version),
    hasSignature: async (model, version) =>
      (await registry.versions.get(model, version)).description.signature !== null,
    metric: async (model, version, name) => {
      const runs = await Promise.all(
        (await runsOf(model, version)).map((run) => tracking.getRun(run)),
      )
      const points = runs.flatMap((run) => run.metrics.filter((metric) => metric.key === name))
      return points.toSorted((a, b) => b.atMs - a.atMs)[0]?.value
    },
    measured: measuredOf(parts),
    compared: comparedOf(parts),
    disagreement: disagreementOf(parts),
  }
}

/** Fewer labelled predictions than this are no measure. */
const MEASURED_MIN = 100

function measuredOf(parts: Parts): Evidence['measured'] {
  return async (model, version, name) => {
    const nothing = { value: null, ciLow: null, ciHigh: null, rows: 0, fromMs: 0, toMs: 0 }
    const endpoint = await parts.endpointOf(model)
    if (endpoint === undefined) return { ...nothing, note: `no endpoint serves ${model}` }
    const end = await parts.trainedUntil(model, version)
    if (end === null)
      return { ...nothing, note: `the training data of ${model}:${version} is not known` }
    const fromMs = end + 1
    const toMs = ((await parts.queries.watermark(endpoint)) ?? 0) + 1
    const rows = await Array.fromAsync(parts.labelledRows(endpoint, { fromMs, toMs }))
    const answers = await parts.answers(
      model,
      version,
      rows.map(({ inputs }) => inputs),
    )
    const answered = rows.map(({ inputs, label, key }, at) => ({
      inputs,
      label,
      key,
      outputs: answers[at] ?? {},
    }))
    const found = performanceOf(answered, {
      roles: await parts.roles(endpoint),
      samplesMin: MEASURED_MIN,
      limits: [{ metric: name }],
    })
    if (found.state === 'too-few')
      return { ...nothing, rows: found.labels, fromMs, toMs, note: found.reason }
    const { value = null, ciLow = null, ciHigh = null, note } = found.limits[0] ?? {}
    const reason = note === undefined ? {} : { note }
    return { value, ciLow, ciHigh, ...reason, rows: found.labels, fromMs, toMs }
  }
}

function disagreementOf({ replays }: Parts): Evidence['disagreement'] {
  return async ({ agoMs, ...request }) => {
    const asked = { ...request, since: { agoMs } }
    const { id, outcome } = await replays.perform(platformActor('governance'), asked)
    if (outcome.state !== 'finished')
      throw new Problem('conflict', `replay ${id} was ended before it had compared anything`)
    const { report } = outcome.result
    const { value: share, low: ciLow, high: ciHigh } = report.disagreement
    const worst = report.slices.slice(0, 3).map(({ column, where }) => `${column} ${where}`)
    return { replay: id, rows: report.rows, share, ciLow, ciHigh, worst }
  }
}

function comparedOf(parts: Parts): Evidence['compared'] {
  return async ({ model, candidate, champion, metric, by }) => {
    const endpoint = await parts.endpointOf(model)
    if (endpoint === undefined)
      return { rows: 0, positives: null, fromMs: 0, toMs: 0, found: `no endpoint serves ${model}` }
    const ends = [
      await parts.trainedUntil(model, candidate),
      await parts.trainedUntil(model, champion),
    ]
    if (ends.includes(null))
      throw new Problem(
        'conflict',
        `the training data of ${model}:${candidate} or ${model}:${champion} is not known, so no prediction is sure to be new to both; train in a pipeline with tracked data, and push the data`,
      )
    const fromMs = Math.max(...(ends as number[])) + 1
    const toMs = ((await parts.queries.watermark(endpoint)) ?? 0) + 1
    const rows = await Array.fromAsync(parts.labelledRows(endpoint, { fromMs, toMs }))
    const inputs = rows.map((row) => row.inputs)
    const outputs = {
      candidate: await parts.answers(model, candidate, inputs),
      champion: await parts.answers(model, champion, inputs),
    }
    const roles = await parts.roles(endpoint)
    const compared = comparePerformance(rows, outputs, { roles, metric, by })
    if (typeof compared === 'string')
      return { rows: rows.length, positives: null, fromMs, toMs, found: compared }
    const { rows: count, positives, metric: _, ...found } = compared
    return { rows: count, positives, fromMs, toMs, found }
  }
}
