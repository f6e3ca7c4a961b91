export { Api, type IApi } from './client';
export { ApiError } from './request';
export * from './types';
