// Express 4 has the same API as far as these tests go.
declare module 'express4' {
  import express from 'express';
  export default express;
}
