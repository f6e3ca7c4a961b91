export type { PartialConfig } from './config';
export * from './rest';
