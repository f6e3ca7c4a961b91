import { configure } from '@testing-library/react';

// What is waited for comes when the machine gets to it: a test fails by what is shown, not by when.
configure({ asyncUtilTimeout: 60_000 });
