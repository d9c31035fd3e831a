import type { Delivery } from './delivery.ts'
import type { DialectName, Webhook } from './webhook.ts'

export interface WebhookReads {
  find(id: string): Promise<Webhook | undefined>
  /** Newest first; `before` is the id of the last one of the page before. Without a dialect, all that no project declares. */
  list(page: { limit: number; before?: string; dialect?: DialectName }): Promise<Webhook[]>
  /** All that are enabled, oldest first. */
  enabled(): Promise<Webhook[]>
  /** Of those that no project declares. */
  count(): Promise<number>
  findDelivery(id: string): Promise<Delivery | undefined>
  /** Newest first; `before` is the place of the last one of the page before. */
  deliveries(page: {
    webhook: string
    limit: number
    before?: string
    state?: Delivery['state']
  }): Promise<Delivery[]>
  /** Those that wait and whose time has come, oldest first; of each lane only the first that waits. */
  due(webhook: string, nowMs: number, limit: number): Promise<Delivery[]>
  /** The time of the one that is due first, the later ones of a lane left out. */
  nextDueMs(webhook: string): Promise<number | undefined>
}

export interface WebhookWrites extends WebhookReads {
  save(webhook: Webhook): Promise<void>
  /** Removes it with its deliveries. */
  delete(id: string): Promise<void>
  /** Keeps those whose id is new. */
  addDeliveries(deliveries: readonly Delivery[]): Promise<void>
  saveDelivery(delivery: Delivery): Promise<void>
  /** Ends all that wait. */
  cancelWaiting(webhook: string, because: string): Promise<void>
  /** Forgets what was created before and is over. */
  forget(webhook: string, createdBeforeMs: number): Promise<void>
}
