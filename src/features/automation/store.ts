import type { PolicyRun } from './policy-run.ts'

export interface PolicyRunReads {
  find(id: string): Promise<PolicyRun | undefined>
  /** Newest first. */
  list(page: { limit: number; before?: string }): Promise<PolicyRun[]>
  /** The newest run of a policy. */
  newest(project: string, policy: string): Promise<PolicyRun | undefined>
  running(endpoint: string): Promise<PolicyRun[]>
}

export interface PolicyRunWrites extends PolicyRunReads {
  save(run: PolicyRun): Promise<void>
}
