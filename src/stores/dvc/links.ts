export type { LinkType } from './crew/placing.ts'
