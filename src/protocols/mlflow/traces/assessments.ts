import type { Static } from 'typebox'
import type { MlflowApp } from '../app.ts'
import { assessmentIn, assessmentToWire, changeIn } from './assessment-wire.ts'
import type { TraceParts } from './parts.ts'
import * as messages from './messages.ts'

const PATH = '/mlflow/traces/:id/assessments'

interface OfTrace {
  Params: { id: string }
}
interface OfAssessment {
  Params: { id: string; assessment: string }
}

export function assessmentRoutes(app: MlflowApp, { traces: { assessments } }: TraceParts): void {
  app.post<OfTrace>(PATH, { schema: { body: messages.Assess } }, async ({ params, body }) => {
    const { assessment } = body as Static<typeof messages.Assess>
    const made = await assessments.create(params.id, assessmentIn(assessment))
    return { assessment: assessmentToWire(made) }
  })
  app.get<OfAssessment>(`${PATH}/:assessment`, async ({ params }) => ({
    assessment: assessmentToWire(await assessments.get(params.id, params.assessment)),
  }))
  app.patch<OfAssessment>(
    `${PATH}/:assessment`,
    { schema: { body: messages.UpdateAssessment } },
    async ({ params, body }) => {
      const { assessment, update_mask } = body as Static<typeof messages.UpdateAssessment>
      const after = await assessments.update(
        params.id,
        params.assessment,
        changeIn(assessment, update_mask),
      )
      return { assessment: assessmentToWire(after) }
    },
  )
  app.delete<OfAssessment>(`${PATH}/:assessment`, async ({ params }) => {
    await assessments.delete(params.id, params.assessment)
    return {}
  })
}
