export {
  performanceOf,
  type Calibration,
  type MeasuredPerformance,
  type PerformanceVerdict,
} from './performance.ts'
