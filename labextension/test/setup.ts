import { configure } from '@testing-library/react';

// One second, the default, is too short where other work holds the cores.
configure({ asyncUtilTimeout: 30_000 });
