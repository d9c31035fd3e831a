import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import type { Fact, Ref } from '#ledger'
import type { Experiment, KeyValue } from './experiment.ts'
import type { LoggedModel } from './logged-model.ts'
import type { Metric } from './metric.ts'
import type { Run } from './run.ts'
import type { Rename } from './browsing/store.ts'
import type { SavedView } from './browsing/view.ts'

/** A run in the lineage graph. */
export function runRef(runId: string): Ref {
  return { kind: 'run', id: runId }
}

export function experimentCreated(experiment: Experiment): Fact {
  return {
    type: 'experiment-created',
    data: {
      experiment: experiment.experimentId,
      name: experiment.name,
      artifactLocation: experiment.artifactLocation,
    },
  }
}

export function experimentChanged(
  type: 'experiment-deleted' | 'experiment-restored',
  { experimentId, name }: Experiment,
): Fact {
  return { type, data: { experiment: experimentId, name } }
}

export function experimentRenamed(from: Experiment, name: string): Fact {
  return {
    type: 'experiment-renamed',
    data: { experiment: from.experimentId, from: from.name, name },
  }
}

export function experimentTagSet(experimentId: string, { key, value }: KeyValue): Fact {
  return {
    type: 'experiment-tag-set',
    data: { experiment: experimentId, key, value: brief(value) },
  }
}

export function experimentTagDeleted(experimentId: string, key: string): Fact {
  return { type: 'experiment-tag-deleted', data: { experiment: experimentId, key } }
}

export function runStarted(run: Run): Fact {
  return {
    type: 'run-started',
    data: { run: run.runId, experiment: run.experimentId, name: run.name, user: run.userId },
  }
}

export function runResumed(run: Run): Fact {
  return { type: 'run-resumed', data: { run: run.runId, experiment: run.experimentId } }
}

/** How a run ended. Its measurements are no facts of their own; their digest is. */
export function runEnded(
  run: Run,
  logged: { params: readonly KeyValue[]; metrics: readonly Metric[] },
): Fact {
  return {
    type: 'run-ended',
    data: {
      run: run.runId,
      experiment: run.experimentId,
      status: run.status,
      metricsDigest: digestOfMetrics(logged.metrics),
      paramsDigest: sha256(canonicalJson(sortedByKey(logged.params))),
    },
  }
}

export function runChanged(type: 'run-deleted' | 'run-restored', run: Run): Fact {
  return { type, data: { run: run.runId, experiment: run.experimentId } }
}

export function loggedModelReady(model: LoggedModel, digest: string): Fact {
  return {
    type: 'logged-model-ready',
    data: { model: model.modelId, name: model.name, run: model.sourceRunId, digest },
  }
}

export function loggedModelDeleted(model: LoggedModel): Fact {
  return { type: 'logged-model-deleted', data: { model: model.modelId, name: model.name } }
}

export function loggedModelRestored(model: LoggedModel): Fact {
  return { type: 'logged-model-restored', data: { model: model.modelId, name: model.name } }
}

export function artifactsDeleted(path: string, files: number): Fact {
  return { type: 'artifacts-deleted', data: { path, files } }
}

/** A move of everything at a place: which experiments it was follows from the digest where there are many. */
export function experimentsMoved(from: string, to: string, renames: readonly Rename[]): Fact {
  const ids = renames.map(({ experimentId }) => experimentId)
  return {
    type: 'experiments-moved',
    data: {
      from,
      to,
      experiments: ids.length,
      ...(ids.length <= MOVED_TOLD_MAX ? { ids } : { idsDigest: sha256(canonicalJson(ids)) }),
    },
  }
}

const MOVED_TOLD_MAX = 1000

export function viewSaved(view: SavedView): Fact {
  const { viewId, name, owner, shared, revision, scope, filter, columns, orderBy, display } = view
  const content = canonicalJson({ scope, filter, columns, orderBy, display })
  return {
    type: revision === 1 ? 'view-created' : 'view-changed',
    data: { view: viewId, name, owner, shared, revision, content: brief(content) },
  }
}

export function viewDeleted({ viewId, name, owner, revision }: SavedView): Fact {
  return { type: 'view-deleted', data: { view: viewId, name, owner, revision } }
}

/** A text for a fact: itself when short, else its digest and length. */
export function brief(text: string): string | { sha256: string; chars: number } {
  return text.length <= 1000 ? text : { sha256: sha256(text), chars: text.length }
}

function digestOfMetrics(metrics: readonly Metric[]): string {
  const listed = sortedByKey(metrics).map(({ key, value, step, atMs }) => ({
    key,
    value: Number.isNaN(value) ? 'NaN' : value,
    step,
    atMs,
  }))
  return sha256(canonicalJson(listed))
}

function sortedByKey<T extends { key: string }>(pairs: readonly T[]): T[] {
  return pairs.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
