import type { Kysely } from 'kysely'
import type { TrackingReads, TrackingWrites } from '#tracking'
import { artifactReads, artifactWrites } from './artifacts.ts'
import { experimentReads, experimentWrites } from './experiments.ts'
import { inputReads, inputWrites } from './inputs.ts'
import { intakeReads, intakeWrites } from './intake.ts'
import { loggedModelReads, loggedModelWrites } from './logged-models.ts'
import { metricReads, metricWrites } from './metrics.ts'
import { runReads, runWrites } from './runs.ts'
import type { TrackingTables } from './tables.ts'

export function trackingReads(db: Kysely<TrackingTables>): TrackingReads {
  return {
    ...experimentReads(db),
    ...runReads(db),
    ...metricReads(db),
    ...inputReads(db),
    ...loggedModelReads(db),
    ...artifactReads(db),
    ...intakeReads(db),
  }
}

export function trackingWrites(db: Kysely<TrackingTables>): TrackingWrites {
  return {
    ...trackingReads(db),
    ...experimentWrites(db),
    ...runWrites(db),
    ...metricWrites(db),
    ...inputWrites(db),
    ...loggedModelWrites(db),
    ...artifactWrites(db),
    ...intakeWrites(db),
  }
}
