import type { Fact } from '#ledger'
import { modelVersionRef } from '#registry'
import { endpointRef, revisionRef, type Declaration } from './endpoint.ts'
import { versionName, type Revision } from '#inference'
import type { SealedSegment } from './store.ts'

export function endpointDeclared(declaration: Declaration): Fact {
  return {
    type: 'endpoint-declared',
    data: {
      endpoint: declaration.name,
      project: declaration.project,
      model: declaration.model,
      shadows: declaration.shadows,
      monitor: declaration.monitor,
      ...(declaration.elsewhere ? { elsewhere: true } : {}),
      ...(declaration.settings ? { settings: declaration.settings } : {}),
      ...(declaration.log ? { log: declaration.log } : {}),
      ...(declaration.delivery ? { delivery: declaration.delivery } : {}),
    },
  }
}

export function revisionCreated(revision: Revision): Fact {
  return {
    type: 'revision-created',
    data: {
      endpoint: revision.endpoint,
      revision: revision.number,
      role: revision.role,
      modelVersion: versionName(revision),
      digest: revision.digest,
    },
    edges: [
      // What runs elsewhere may be a model of which nothing is known here.
      ...(revision.version === 0
        ? []
        : [
            {
              from: revisionRef(revision),
              relation: 'serves' as const,
              to: modelVersionRef(revision),
            },
          ]),
      { from: revisionRef(revision), relation: 'revision-of', to: endpointRef(revision.endpoint) },
    ],
  }
}

export function rolloutCompleted(revision: Revision, from: Revision | null): Fact {
  return {
    type: 'rollout-completed',
    data: {
      endpoint: revision.endpoint,
      revision: revision.number,
      from: from?.number ?? null,
      modelVersion: versionName(revision),
    },
  }
}

export function trafficDivided(divided: {
  endpoint: string
  weights: readonly { revision: number; weight: number }[]
}): Fact {
  return { type: 'traffic-divided', data: divided }
}

export function rolloutFailed(failed: {
  endpoint: string
  modelVersion: string
  reason: string
}): Fact {
  return { type: 'rollout-failed', data: failed }
}

export function servingProcessRestarted(restart: { endpoint: string; reason: string }): Fact {
  return { type: 'serving-process-restarted', data: restart }
}

export function segmentSealed(segment: SealedSegment): Fact {
  const { endpoint, rows, digest, fromMs, toMs } = segment
  return {
    type: segment.kind === 'predictions' ? 'prediction-segment-sealed' : 'truth-segment-sealed',
    data: { endpoint, segment: segment.id, rows, digest, fromMs, toMs },
    edges: [
      { from: { kind: 'segment', id: digest }, relation: 'logged-at', to: endpointRef(endpoint) },
    ],
  }
}

export function endpointRemoved(endpoint: string): Fact {
  return { type: 'endpoint-removed', data: { endpoint } }
}
