import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Assessment, AssessmentChange, NewAssessment } from './assessment.ts'
import type { TraceTransact } from './ingest.ts'
import type { TraceReads } from './store.ts'
import { noTrace, over } from './trace.ts'

/** What is thought of traces. */
export interface Assessments {
  /** The one that it overrides is no longer valid. Throws `not-found`. */
  create(traceId: string, assessment: NewAssessment): Promise<Assessment>
  get(traceId: string, assessmentId: string): Promise<Assessment>
  /** Metadata is merged, the rest replaced. Throws `not-found`, or `invalid` when feedback should become an expectation. */
  update(traceId: string, assessmentId: string, change: AssessmentChange): Promise<Assessment>
  /** The one that it overrode is valid again. One that is not there is fine. */
  delete(traceId: string, assessmentId: string): Promise<void>
}

export function createAssessments(dependencies: {
  read: TraceReads
  transact: TraceTransact
  clock: Clock
  ids: Ids
}): Assessments {
  const { read, transact, clock, ids } = dependencies
  return {
    create: (traceId, given) =>
      transact(async ({ traces }) => {
        await assertTrace(traces, traceId)
        const made = keptAssessment(traceId, given, { nowMs: clock.nowMs(), id: ids.hex32() })
        if (await traces.findAssessment(traceId, made.assessmentId))
          throw new Problem(
            'exists',
            `the trace ${traceId} has an assessment ${made.assessmentId} already; update it`,
          )
        if (
          made.overrides !== null &&
          !(await traces.setAssessmentValid(traceId, made.overrides, false))
        )
          throw noAssessment(traceId, made.overrides)
        await traces.putAssessments([made])
        return made
      }),
    get: (traceId, assessmentId) => assessmentIn(read, traceId, assessmentId),
    update: (traceId, assessmentId, change) =>
      transact(async ({ traces }) => {
        const kept = await assessmentIn(traces, traceId, assessmentId)
        const after = changedAssessment(kept, change, clock.nowMs())
        await traces.putAssessments([after])
        return after
      }),
    delete: (traceId, assessmentId) =>
      transact(async ({ traces }) => {
        await assertTrace(traces, traceId)
        const kept = await traces.findAssessment(traceId, assessmentId)
        if (kept === undefined) return
        if (kept.overrides !== null) await traces.setAssessmentValid(traceId, kept.overrides, true)
        await traces.deleteAssessment(traceId, assessmentId)
      }),
  }
}

/** An assessment with the name and the times that it was not given. */
export function keptAssessment(
  traceId: string,
  given: NewAssessment,
  { nowMs, id }: { nowMs: number; id: string },
): Assessment {
  if (given.name === '')
    throw new Problem('invalid', "Missing value for required parameter 'assessment_name'. Name it")
  return {
    ...given,
    traceId,
    assessmentId: given.assessmentId ?? `a-${id}`,
    createdMs: given.createdMs ?? nowMs,
    updatedMs: given.updatedMs ?? nowMs,
  }
}

function changedAssessment(kept: Assessment, change: AssessmentChange, nowMs: number): Assessment {
  const { name, feedback, expectation, rationale, metadata } = change
  if (feedback !== undefined && expectation !== undefined)
    throw new Problem('invalid', 'Cannot specify both `expectation` and `feedback`; send one')
  if (expectation !== undefined && kept.kind !== 'expectation')
    throw new Problem('invalid', 'Cannot update expectation value on a Feedback assessment')
  if (feedback !== undefined && kept.kind !== 'feedback')
    throw new Problem('invalid', 'Cannot update feedback value on an Expectation assessment')
  return {
    ...kept,
    ...(name === undefined ? {} : { name }),
    ...feedback,
    ...expectation,
    // An expectation is not argued for.
    ...(rationale === undefined || kept.kind === 'expectation' ? {} : { rationale }),
    metadata: over(kept.metadata, metadata ?? []),
    updatedMs: nowMs,
  }
}

async function assessmentIn(
  traces: TraceReads,
  traceId: string,
  assessmentId: string,
): Promise<Assessment> {
  const found = await traces.findAssessment(traceId, assessmentId)
  if (found !== undefined) return found
  await assertTrace(traces, traceId)
  throw noAssessment(traceId, assessmentId)
}

async function assertTrace(traces: TraceReads, traceId: string): Promise<void> {
  if ((await traces.traces([traceId])).length === 0) throw noTrace(traceId)
}

function noAssessment(traceId: string, assessmentId: string): Problem {
  return new Problem(
    'not-found',
    `Assessment with ID '${assessmentId}' not found for trace '${traceId}'; it may have been deleted`,
  )
}
