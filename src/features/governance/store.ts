import type { Promotion } from './promotion.ts'

export interface PromotionReads {
  find(id: string): Promise<Promotion | undefined>
  /** Newest first. */
  list(page: { limit: number; before?: string; model?: string }): Promise<Promotion[]>
}

export interface PromotionWrites extends PromotionReads {
  save(promotion: Promotion): Promise<void>
}
