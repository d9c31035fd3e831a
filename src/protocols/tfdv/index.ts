export { printSchema } from './export.ts'
export { readSchema } from './import.ts'
