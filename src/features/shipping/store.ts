import type { LogReceiver } from './receiver.ts'

export interface ShippingReads {
  /** By name. */
  list(): Promise<LogReceiver[]>
  find(id: string): Promise<LogReceiver | undefined>
}

export interface ShippingWrites extends ShippingReads {
  save(receiver: LogReceiver): Promise<void>
  remove(id: string): Promise<void>
}
