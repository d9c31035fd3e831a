import type { FastifyInstance } from 'fastify'
import type { WorkReads } from '#work'

/** Whether the server has anything left to do by itself: what a caller waits for who wants the loop to come to rest. */
export interface Activity {
  readonly work: WorkReads
  /** Makes the monitors look and the followers catch up; resolves when they have. */
  settle(): Promise<void>
}

export function activityRoutes(app: FastifyInstance, activity: Activity): void {
  app.get('/activity', { schema: { summary: 'What the server is doing by itself' } }, async () => {
    await activity.settle()
    const jobs = await activity.work.open()
    return {
      idle: jobs.length === 0,
      jobs: jobs.map(({ kind, key, state, attempts, error }) => ({
        kind,
        key,
        state,
        attempts,
        error,
      })),
    }
  })
}
