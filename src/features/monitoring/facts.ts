import type { Json } from '#base/json'
import type { Fact } from '#ledger'
import { endpointRef } from '#serving'
import type { ComparedFeature } from '#drift'
import type { Alert, AlertKind } from './findings.ts'
import { driftedFeatures, windowRef, type Task, type Window } from './window.ts'

/** A fact stays small: the window itself has all features. */
const FEATURES_TOLD = 10

export function windowEvaluated(window: Window, { part, dueMs }: Task): Fact {
  const { endpoint, drift, performance } = window
  const measured = performance?.state === 'measured' ? performance : null
  return {
    type: 'window-evaluated',
    data: {
      ...spanOf(window),
      modelVersion: window.modelVersion,
      state: part === 'performance' ? 'settled' : 'provisional',
      predictions: window.predictions,
      labels: performance?.labels ?? 0,
      driftShare: drift.state === 'judged' && drift.compared > 0 ? drift.share : null,
      drifted: toldFeatures(window),
      prediction: drift.state === 'judged' ? (drift.prediction?.state ?? null) : null,
      driftSkipped: drift.state === 'skipped' ? drift.reason : null,
      auc: measured?.auc ?? null,
      ciLow: measured?.ciLow ?? null,
      ciHigh: measured?.ciHigh ?? null,
      calibration: measured === null ? null : { ...measured.calibration },
      performanceSkipped: performance?.state === 'too-few' ? performance.reason : null,
    },
    edges: [{ from: windowRef(window), relation: 'window-of', to: endpointRef(endpoint) }],
    eventMs: dueMs,
  }
}

export function driftDetected(window: Window, detail: string, { dueMs }: Task): Fact {
  return {
    type: 'drift-detected',
    data: {
      endpoint: window.endpoint,
      window: windowRef(window).id,
      modelVersion: window.modelVersion,
      share: window.drift.state === 'judged' ? window.drift.share : null,
      features: toldFeatures(window),
      detail,
    },
    eventMs: dueMs,
  }
}

export function performanceFell(
  window: Window,
  { min, detail }: { min: number; detail: string },
  { dueMs }: Task,
): Fact {
  const { performance } = window
  return {
    type: 'performance-fell',
    data: {
      endpoint: window.endpoint,
      window: windowRef(window).id,
      modelVersion: window.modelVersion,
      metric: 'roc_auc',
      value: performance?.state === 'measured' ? performance.auc : null,
      ciLow: performance?.state === 'measured' ? performance.ciLow : null,
      ciHigh: performance?.state === 'measured' ? performance.ciHigh : null,
      min,
      detail,
    },
    eventMs: dueMs,
  }
}

export function alertRaised(alert: Alert): Fact {
  return {
    type: 'alert-raised',
    data: {
      endpoint: alert.endpoint,
      kind: alert.kind,
      alert: alert.id,
      window: windowRef({ endpoint: alert.endpoint, startMs: alert.raisedWindowMs }).id,
      detail: alert.detail,
    },
    eventMs: alert.raisedMs,
  }
}

export function alertCleared(
  alert: Alert,
  by: { kind: AlertKind; window: Window; dueMs: number },
): Fact {
  return {
    type: 'alert-cleared',
    data: {
      endpoint: alert.endpoint,
      kind: by.kind,
      alert: alert.id,
      window: windowRef(by.window).id,
      detail: alert.detail,
    },
    eventMs: by.dueMs,
  }
}

function spanOf({ endpoint, startMs, endMs }: Window) {
  return {
    endpoint,
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
  }
}

function toldFeatures({ drift }: Window): Json[] {
  return driftedFeatures(drift).slice(0, FEATURES_TOLD).map(told)
}

function told({ feature, effect, threshold, measure, missing }: ComparedFeature): Json {
  const gone = missing.difference > missing.threshold
  return gone && (effect ?? 0) <= threshold
    ? {
        feature,
        value: missing.difference,
        threshold: missing.threshold,
        statistic: 'missing-share',
      }
    : { feature, value: effect, threshold, statistic: measure }
}
