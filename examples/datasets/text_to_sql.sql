-- The tables behind text_to_sql.jsonl. Every query of the dataset runs on them (SQLite) and finds
-- something. No numeric column holds a value twice, so that "the highest" is always one row.
-- Duration is in minutes, height in centimetres.
CREATE TABLE authors (name TEXT PRIMARY KEY, country TEXT);
INSERT INTO authors VALUES
  ('Amara Obi', 'Kenya'), ('Lena Fischer', 'Germany'), ('Jon Reyes', 'Spain'),
  ('Mei Tanaka', 'Japan'), ('Paul Novak', 'Poland');

CREATE TABLE books (title TEXT PRIMARY KEY, author TEXT, genre TEXT, year INTEGER, price REAL);
INSERT INTO books VALUES
  ('Salt Roads', 'Amara Obi', 'history', 2004, 18.5),
  ('The Long Bridge', 'Lena Fischer', 'fiction', 2016, 12.0),
  ('Night Harbour', 'Jon Reyes', 'crime', 2019, 9.5),
  ('Paper Rivers', 'Mei Tanaka', 'poetry', 2011, 14.0),
  ('Glass Winter', 'Lena Fischer', 'crime', 2021, 22.0),
  ('Seven Gardens', 'Mei Tanaka', 'fiction', 1998, 8.0),
  ('The Iron Market', 'Paul Novak', 'history', 2013, 31.0),
  ('Small Fires', 'Amara Obi', 'fiction', 2022, 16.0),
  ('Empty Streets', 'Jon Reyes', 'crime', 2008, 11.0);

CREATE TABLE departments (name TEXT PRIMARY KEY, floor INTEGER);
INSERT INTO departments VALUES ('sales', 1), ('design', 2), ('finance', 3), ('support', 1);

CREATE TABLE employees (name TEXT PRIMARY KEY, department TEXT, city TEXT, salary INTEGER, age INTEGER);
INSERT INTO employees VALUES
  ('Ada', 'sales', 'Lisbon', 3200, 29), ('Ben', 'design', 'Oslo', 4100, 41),
  ('Cleo', 'finance', 'Lisbon', 5200, 52), ('Dan', 'support', 'Vienna', 2800, 24),
  ('Eva', 'sales', 'Vienna', 3600, 36), ('Finn', 'design', 'Lisbon', 4600, 45),
  ('Gita', 'support', 'Oslo', 3000, 31), ('Hugo', 'finance', 'Vienna', 6100, 58),
  ('Iris', 'sales', 'Oslo', 3900, 33);

CREATE TABLE products (name TEXT PRIMARY KEY, category TEXT, price REAL, stock INTEGER);
INSERT INTO products VALUES
  ('kettle', 'kitchen', 35.0, 12), ('toaster', 'kitchen', 42.0, 0), ('lamp', 'light', 28.0, 40),
  ('candle', 'light', 6.0, 150), ('rake', 'garden', 19.0, 25), ('hose', 'garden', 24.0, 8),
  ('pan', 'kitchen', 31.0, 33), ('torch', 'light', 15.0, 61), ('spade', 'garden', 22.0, 17);

CREATE TABLE flights (number TEXT PRIMARY KEY, origin TEXT, destination TEXT, duration INTEGER, price INTEGER);
INSERT INTO flights VALUES
  ('KL204', 'Rome', 'Paris', 125, 140), ('KL317', 'Paris', 'Madrid', 130, 95),
  ('KL322', 'Madrid', 'Rome', 150, 160), ('KL408', 'Rome', 'Athens', 110, 120),
  ('KL415', 'Athens', 'Paris', 205, 210), ('KL533', 'Paris', 'Rome', 120, 75),
  ('KL540', 'Madrid', 'Athens', 225, 240), ('KL611', 'Athens', 'Rome', 115, 90);

CREATE TABLE courses (name TEXT PRIMARY KEY, teacher TEXT);
INSERT INTO courses VALUES ('physics', 'Kim'), ('music', 'Lopez'), ('biology', 'Weber');

CREATE TABLE students (name TEXT PRIMARY KEY, course TEXT, grade INTEGER, height INTEGER);
INSERT INTO students VALUES
  ('Noor', 'physics', 88, 171), ('Otto', 'music', 64, 166), ('Pia', 'biology', 93, 158),
  ('Quinn', 'physics', 71, 182), ('Rosa', 'music', 79, 163), ('Sam', 'biology', 58, 176),
  ('Tess', 'physics', 95, 169), ('Uma', 'music', 85, 174), ('Vik', 'biology', 77, 188);
